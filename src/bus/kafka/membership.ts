import { Consumer as Client, type GroupAssignment } from '@platformatic/kafka'
import { inTime } from '../../time.ts'
import type { Backoff } from './backoff.ts'
import type { Cluster } from './cluster.ts'
import { explain } from './failures.ts'

export interface MembershipOptions {
  readonly cluster: Cluster
  readonly group: string
  readonly topics: readonly string[]
  readonly backoff: Backoff
  readonly signal: AbortSignal
  /** Partitions came or went. */
  readonly assigned: () => void
}

/** A member speaks up at least so many times in a session, and once a second. */
const heartbeatsInSession = 5
const rebalanceMs = 20_000

/**
 * Nobody here listens to stalls, but a client that is closed while it joins again arms the timer of one, which would keep its
 * process alive as long.
 */
const stallMs = 100

/** How long a process that stops tries to say so, in milliseconds. */
const leaveMs = 2_000

/**
 * A process's place in the consumer group of its store: which partitions it should read now. Partitions move one by one
 * (cooperative), the others are read on meanwhile. Nothing depends on who thinks that it has one: the store's places do.
 */
export class Membership {
  readonly client: Client
  readonly #options: MembershipOptions
  #joining: Promise<void> | undefined

  constructor(options: MembershipOptions) {
    const { cluster, group, topics, assigned } = options
    const { sessionTimeoutMs } = cluster.options
    this.#options = options
    this.client = new Client({
      ...cluster.base(),
      // A broker answers a request to join only when all others have joined.
      requestTimeout: rebalanceMs + 10_000,
      groupId: group,
      autocommit: false,
      sessionTimeout: sessionTimeoutMs,
      heartbeatStallTimeout: stallMs,
      heartbeatInterval: Math.min(1_000, sessionTimeoutMs / heartbeatsInSession),
      rebalanceTimeout: rebalanceMs,
      protocols: [{ name: 'cooperative-sticky', version: 3 }],
      // A member that sees more partitions than before says something new, and so has them shared out.
      protocolsMetadata: (_protocols, names, metadata) =>
        Buffer.from(names.map((name) => `${name}=${metadata.topics.get(name)?.partitionsCount ?? 0}`).join(',')),
    })
    this.client.topics.trackAll(...topics)
    this.client.on('consumer:group:join', assigned)
    this.client.on('consumer:group:rebalance', assigned)
    // It gave up joining again: nobody else would try.
    this.client.on('error', (error) => void this.#lost(error))
  }

  get assignments(): readonly GroupAssignment[] {
    return this.client.assignments ?? []
  }

  /** Joins, or joins again to have the partitions shared out anew. Tries until it is stopped. */
  join(): Promise<void> {
    this.#joining ??= this.#join().finally(() => (this.#joining = undefined))
    return this.#joining
  }

  async #join(): Promise<void> {
    const { signal, backoff, cluster, assigned } = this.#options
    while (!signal.aborted) {
      try {
        await this.client.joinGroup({})
        assigned()
        return
      } catch (error) {
        if (!signal.aborted) await backoff.failed(explain(error, cluster.shown))
      }
    }
  }

  async #lost(error: unknown): Promise<void> {
    const { signal, backoff, cluster } = this.#options
    if (signal.aborted || this.#joining) return
    await backoff.failed(explain(error, cluster.shown))
    await this.join()
  }

  /** For people who watch lag, and to know a restored store by: see `checkCommitted`. */
  async commit(places: ReadonlyMap<{ topic: string; partition: number }, number>): Promise<void> {
    if (places.size === 0 || !this.client.isActive()) return
    const offsets = [...places].map(([{ topic, partition }, place]) => ({
      ...{ topic, partition },
      offset: BigInt(place),
      leaderEpoch: -1,
    }))
    await this.client.commit({ offsets })
  }

  /** What the group has committed of each partition of a topic; -1 for nothing. */
  async committed(topic: string, partitions: readonly number[]): Promise<number[]> {
    const { cluster } = this.#options
    const found = await cluster.ask(() =>
      this.client.listCommittedOffsets({ topics: [{ topic, partitions: [...partitions] }] }),
    )
    return partitions.map((partition) => Number(found.get(topic)?.[partition] ?? -1n))
  }

  /** Leaving comes first: a client that is closed while it joins again would leave a timer behind. */
  async close(): Promise<void> {
    const { clock } = this.#options.cluster.options
    const leaving = new Promise<void>((resolve) => this.client.leaveGroup(true, () => resolve()))
    await inTime(clock, leaveMs, leaving)
    await this.client.close(true).catch(() => {})
  }
}
