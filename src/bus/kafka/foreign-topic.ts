import { Consumer as Client, type ClusterMetadata } from '@platformatic/kafka'
import { SkerryError } from '../../errors.ts'
import type { Intake, Receiving, TopicPlace } from '../foreign.ts'
import { keepReceiving } from '../receiving.ts'
import type { Cluster } from './cluster.ts'
import { explain } from './failures.ts'
import { type Fetched, messagesOf, partOf } from './foreign-records.ts'

export interface TopicOptions {
  readonly cluster: Cluster
  readonly place: TopicPlace
  readonly intake: Intake
}

/** How long a broker holds a question that it has no answer to, in milliseconds. */
const holdMs = 500
const fetchBytes = 4 * 1024 * 1024
const partitionBytes = 1024 * 1024
/** How often new partitions are looked for, in milliseconds. */
const growthMs = 5000

/** Only what a transaction committed is read. */
const readCommitted = 1
const earliest = -2n
const latest = -1n

/** Reads all partitions of a topic of others, from where the service's store is. No group is joined: one process reads. */
export class TopicReceiving implements Receiving {
  readonly #options: TopicOptions
  readonly #client: Client
  readonly #running: Promise<void>
  /** The next offset to ask for, by partition. */
  readonly #next = new Map<number, number>()
  #lookAt = 0

  constructor(options: TopicOptions) {
    this.#options = options
    const { cluster } = options
    this.#client = new Client({ ...cluster.base(), groupId: `${cluster.options.clientId}-source`, autocommit: false })
    this.#client.on('error', () => {})
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    // What a broker holds is not waited for.
    await this.#client.close(true).catch(() => {})
    await this.#running
    await this.#options.cluster.close()
  }

  async #run(): Promise<void> {
    const { intake, cluster } = this.#options
    const { clock } = cluster.options
    await keepReceiving({ intake, clock, explain: (error) => explain(error, cluster.shown) }, async (going) => {
      // What failed may have moved to another broker.
      this.#client.clearMetadata()
      this.#next.clear()
      this.#lookAt = 0
      await this.#look()
      going()
      while (!intake.signal.aborted) await this.#readOn()
    })
  }

  async #readOn(): Promise<void> {
    const { intake, cluster } = this.#options
    if (cluster.options.clock.monotonic() >= this.#lookAt) await this.#look()
    for (const fetched of await this.#fetch()) {
      const from = this.#next.get(fetched.partition) ?? 0
      const { messages, next } = messagesOf(fetched, from)
      if (messages.length > 0) await intake.take(messages)
      this.#next.set(fetched.partition, next)
    }
  }

  /** Finds where to read on in partitions that are new here: in the store, else where the source is to begin. */
  async #look(): Promise<void> {
    const { cluster, place, intake } = this.#options
    this.#lookAt = cluster.options.clock.monotonic() + growthMs
    const { topic } = place
    if (!(await cluster.topic(topic)))
      throw new SkerryError('not_found', `${cluster.shown}: there is no topic ${topic}; make it there`)
    // What is known of the topic may be from before it grew.
    await cluster.ask(() => this.#client.metadata({ topics: [topic], forceUpdate: true }))
    const first = await this.#offsets(earliest)
    const next = await this.#offsets(latest)
    const fresh = [...first.keys()].filter((partition) => !this.#next.has(partition))
    if (fresh.length === 0) return
    const known = await intake.places(first.map((_, partition) => partOf(topic, partition)))
    // Partitions that were added later hold nothing from before.
    const edges = place.from === 'now' && Object.keys(known).length === 0 ? next : first
    const begin = fresh.filter((partition) => known[partOf(topic, partition)] === undefined)
    if (begin.length > 0)
      await intake.begin(Object.fromEntries(begin.map((one) => [partOf(topic, one), edges[one] as number])))
    for (const partition of fresh) {
      const at = known[partOf(topic, partition)] ?? (edges[partition] as number)
      this.#next.set(partition, this.#within(partition, at, first[partition] as number, next[partition] as number))
    }
  }

  async #offsets(timestamp: bigint): Promise<number[]> {
    const { cluster, place } = this.#options
    const asked = { topics: [place.topic], timestamp, isolationLevel: readCommitted }
    const found = await cluster.ask(() => this.#client.listOffsets(asked))
    return (found.get(place.topic) ?? []).map(Number)
  }

  /** Throws `log_changed`; says so when messages were dropped unread, and goes on with those that are there. */
  #within(partition: number, at: number, first: number, next: number): number {
    const { cluster, place, intake } = this.#options
    const part = partOf(place.topic, partition)
    if (at > next)
      throw new SkerryError(
        'log_changed',
        `${cluster.shown}: ${part} ends at ${next}, and was read to ${at}: the topic was made anew; give the source a new name to read it`,
      )
    if (at >= first) return at
    const lost = `${cluster.shown}: ${part} dropped messages ${at} to ${first - 1} before they were read; lengthen its retention`
    intake.interrupted(new SkerryError('position_lost', lost), 0)
    return first
  }

  /** From all brokers that lead partitions of the topic, side by side. */
  async #fetch(): Promise<Fetched[]> {
    const { cluster, place } = this.#options
    const metadata = await cluster.ask(() => this.#client.metadata({ topics: [place.topic] }))
    const byNode = Map.groupBy(this.#next.keys(), (one) => leaderOf(metadata, place.topic, one))
    const fetched = await Promise.all(
      [...byNode].map(([node, partitions]) => cluster.ask(() => this.#fetchFrom(node, partitions, metadata))),
    )
    return fetched.flat()
  }

  async #fetchFrom(node: number, partitions: readonly number[], metadata: ClusterMetadata): Promise<Fetched[]> {
    const { topic } = this.#options.place
    const asked = partitions.map((partition) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(this.#next.get(partition) ?? 0),
      lastFetchedEpoch: -1,
      partitionMaxBytes: partitionBytes,
    }))
    const topics = [{ topicId: metadata.topics.get(topic)?.id ?? '', partitions: asked }]
    const limits = { maxBytes: fetchBytes, minBytes: 1, maxWaitTime: holdMs, isolationLevel: readCommitted }
    const response = await this.#client.fetch({ node, topics, ...limits })
    return response.responses.flatMap((one) =>
      one.partitions.map(({ partitionIndex: partition, records, abortedTransactions }) => ({
        ...{ topic, partition, batches: records ?? [] },
        aborted: abortedTransactions ?? [],
      })),
    )
  }
}

function leaderOf(metadata: ClusterMetadata, topic: string, partition: number): number {
  const leader = metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1
  if (leader >= 0) return leader
  throw new SkerryError('unavailable', `partition ${partition} of ${topic} has no leader now`)
}
