import { Consumer as Client, type ClusterMetadata } from '@platformatic/kafka'
import type { Timer } from '../../time.ts'
import type { Consumer, Consuming, Sink } from '../bus.ts'
import { Backoff } from './backoff.ts'
import type { Cluster } from './cluster.ts'
import type { Facts } from './facts.ts'
import { Membership } from './membership.ts'
import { readDrain } from './message.ts'
import { type PumpHost, pump } from './pump.ts'
import { readerFacts } from './readers.ts'
import { type Slot, sourceOf } from './slot.ts'
import { checkCommitted, placeOf } from './starts.ts'
import type { Topics } from './topics.ts'

export interface ConsumingOptions {
  readonly app: string
  readonly cluster: Cluster
  readonly facts: Facts
  readonly topics: Topics
  readonly consumer: Consumer
  readonly sink: Sink
}

interface Subscribed {
  readonly stream: string
  readonly topic: string
  /** Where each partition began for this consumer. */
  readonly starts: readonly number[]
  /** The consumer was known before. One that is not, and has places, read another bus: its name says so, later. */
  readonly known: boolean
}

/** How often offsets are committed and held partitions looked at, and how often new partitions are looked for, in milliseconds. */
const tendMs = 250
const growthMs = 5_000

/** One process's share of what a store takes in. */
export class KafkaConsuming implements Consuming, PumpHost {
  readonly client: Client
  readonly sink: Sink
  readonly backoff: Backoff
  readonly #options: ConsumingOptions
  readonly #abort = new AbortController()
  readonly #membership: Membership
  readonly #subscribed: readonly Subscribed[]
  readonly #slots = new Map<string, Slot>()
  readonly #pumps = new Map<number, Promise<void>>()
  readonly #taken = new Map<Slot, number>()
  /** What is known to have been taken in of each source, by whichever process. */
  readonly #places = new Map<string, number>()
  #metadata: ClusterMetadata | undefined
  #assigning: Promise<void> | undefined
  #assignAgain = false
  #wake = Promise.withResolvers<void>()
  #timer: Timer | undefined
  #tending: Promise<void> | undefined
  #lookAgainAt = 0

  private constructor(options: ConsumingOptions, subscribed: readonly Subscribed[]) {
    const { app, cluster, consumer, sink } = options
    this.#options = options
    this.#subscribed = subscribed
    this.sink = sink
    this.backoff = new Backoff(cluster.options.clock, sink, this.#abort.signal)
    const topics = subscribed.map(({ topic }) => topic)
    const group = `${app}.${consumer.service}.${consumer.store}`
    this.client = new Client({ ...cluster.base(), groupId: group, autocommit: false })
    this.client.on('error', () => {})
    this.client.topics.trackAll(...topics)
    this.#membership = new Membership({
      ...{ cluster, group, topics, backoff: this.backoff, signal: this.signal },
      assigned: () => this.#assign(),
    })
  }

  /** Resolves once what is published from now on will reach the consumer. */
  static async begin(options: ConsumingOptions): Promise<KafkaConsuming> {
    const consuming = new KafkaConsuming(options, await subscribe(options))
    try {
      await consuming.#check()
    } catch (error) {
      await consuming.stop()
      throw error
    }
    void consuming.#membership.join()
    consuming.#arm()
    return consuming
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Messages that nobody of this store has taken in. */
  async behind(): Promise<number> {
    const ends = await this.#options.cluster.allOffsets(this.#topicNames, 'next')
    const sources = [...ends].flatMap(([topic, list]) => list.map((_, partition) => sourceOf(topic, partition)))
    const stored = await this.sink.places(sources)
    const left = this.#subscribed.flatMap(({ topic, starts }) =>
      (ends.get(topic) ?? []).map((end, partition) =>
        Math.max(0, end - Math.max(stored[sourceOf(topic, partition)] ?? 0, starts[partition] ?? 0)),
      ),
    )
    return left.reduce((sum, one) => sum + one, 0)
  }

  async stop(): Promise<void> {
    if (this.#abort.signal.aborted) return
    this.#abort.abort()
    this.#timer?.cancel()
    this.changedNow()
    // At first: whoever asks by this connection would wait behind the question that the broker holds.
    await this.client.close(true).catch(() => {})
    await this.#tending
    await Promise.allSettled(this.#pumps.values())
    await this.#assigning
    await this.#commit()
    await this.#membership.close()
  }

  wanted(node: number): readonly Slot[] {
    return [...this.#slots.values()].filter((slot) => slot.held === '' && this.#leaderOf(slot) === node)
  }

  changed(): Promise<void> {
    return this.#wake.promise
  }

  changedNow(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers<void>()
  }

  metadata(): Promise<ClusterMetadata> {
    return this.#learn(false)
  }

  ask<T>(work: () => Promise<T>): Promise<T> {
    return this.#options.cluster.ask(work)
  }

  passed(slot: Slot, drain: string): boolean {
    return readDrain(drain).every(
      (offset, partition) => (this.#places.get(sourceOf(slot.topic, partition)) ?? 0) >= offset,
    )
  }

  async reposition(slots: readonly Slot[]): Promise<void> {
    await this.#learn(true)
    for (const slot of slots) if (!slot.revoked) await this.#place(slot)
  }

  took(slots: readonly Slot[]): void {
    for (const slot of slots) {
      this.#taken.set(slot, slot.handed)
      this.#places.set(slot.source, slot.handed)
    }
  }

  get #topicNames(): string[] {
    return this.#subscribed.map(({ topic }) => topic)
  }

  /** Refuses a store that was restored, and a log that was. */
  async #check(): Promise<void> {
    for (const { topic, starts, known } of this.#subscribed) {
      if (!known) continue
      const first = await this.#options.cluster.offsets(topic, 'first')
      const committed = await this.#membership.committed(topic, [...first.keys()])
      // Asked for last: it only grows, so that the others cannot be beyond it for being younger.
      const places = await this.#placesOf(topic, starts, first.length)
      const next = await this.#options.cluster.offsets(topic, 'next')
      for (const partition of first.keys()) {
        const place = places[partition] as number
        checkCommitted(this.#who, sourceOf(topic, partition), place, committed[partition] as number)
        const edges = { first: first[partition] as number, next: next[partition] as number }
        placeOf({ topic, partition, stored: place, start: 0, ...edges })
      }
    }
  }

  /** The subscriptions of this store, for people. */
  get #who(): string {
    const { facts, consumer } = this.#options
    const own = facts.under<{ store: string }>(readerFacts).filter(([, { store }]) => store === consumer.store)
    return own.map(([subscription]) => subscription).join(', ') || consumer.service
  }

  async #placesOf(topic: string, starts: readonly number[], partitions: number): Promise<number[]> {
    const sources = Array.from({ length: partitions }, (_, partition) => sourceOf(topic, partition))
    const stored = await this.sink.places(sources)
    const places = sources.map((source, partition) => Math.max(stored[source] ?? 0, starts[partition] ?? 0))
    for (const [partition, place] of places.entries()) this.#places.set(sources[partition] as string, place)
    return places
  }

  /** Follows the group's word; while one change is being carried out, a newer one waits. */
  #assign(): void {
    this.#assignAgain = true
    this.#assigning ??= this.#assignAll().finally(() => (this.#assigning = undefined))
  }

  async #assignAll(): Promise<void> {
    while (this.#assignAgain && !this.signal.aborted) {
      this.#assignAgain = false
      try {
        await this.#follow()
        this.backoff.succeeded()
      } catch (error) {
        await this.backoff.failed(error)
        this.#assignAgain = true
      }
    }
  }

  async #follow(): Promise<void> {
    const wanted = new Map(
      this.#membership.assignments.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => [sourceOf(topic, partition), { topic, partition }] as const),
      ),
    )
    for (const [source, slot] of this.#slots) {
      if (wanted.has(source)) continue
      slot.revoked = true
      this.#slots.delete(source)
    }
    await this.metadata()
    for (const [source, { topic, partition }] of wanted) {
      if (this.#slots.has(source)) continue
      const stream = this.#subscribed.find((one) => one.topic === topic)?.stream ?? topic
      const slot: Slot = { topic, stream, partition, source, next: 0, handed: 0, held: '', revoked: false }
      await this.#place(slot)
      this.#slots.set(source, slot)
    }
    this.#startPumps()
    this.changedNow()
  }

  /** Where the store is now: another process may have come further than anybody here knows. */
  async #place(slot: Slot): Promise<void> {
    const { cluster } = this.#options
    const { topic, partition, source } = slot
    const start = this.#subscribed.find((one) => one.topic === topic)?.starts[partition] ?? 0
    const first = (await cluster.offsets(topic, 'first'))[partition] ?? 0
    const stored = (await this.sink.places([source]))[source] ?? 0
    const next = (await cluster.offsets(topic, 'next'))[partition] ?? 0
    slot.next = placeOf({ topic, partition, stored, start, first, next })
    slot.handed = slot.next
    slot.held = ''
    this.#places.set(source, slot.next)
  }

  /**
   * Every answer is looked through for leaders that changed: a pump that has nothing to ask for sleeps until it is told, and
   * a broker that leads for the first time has no pump yet.
   */
  async #learn(anew: boolean): Promise<ClusterMetadata> {
    const before = this.#metadata
    const found = await this.ask(() => this.client.metadata({ topics: this.#topicNames, forceUpdate: anew }))
    this.#metadata = found
    if ([...this.#slots.values()].some((slot) => leaderOf(slot, found) !== leaderOf(slot, before))) this.#startPumps()
    return found
  }

  #leaderOf(slot: Slot): number {
    return leaderOf(slot, this.#metadata)
  }

  #startPumps(): void {
    for (const slot of this.#slots.values()) {
      const node = this.#leaderOf(slot)
      if (node >= 0 && !this.#pumps.has(node)) this.#pumps.set(node, pump(node, this))
    }
    this.changedNow()
  }

  #arm(): void {
    if (this.signal.aborted) return
    const tend = (): void => {
      this.#tending = this.#tend().finally(() => this.#arm())
    }
    this.#timer = this.#options.cluster.options.clock.after(tendMs, tend, { background: true })
  }

  async #tend(): Promise<void> {
    try {
      await this.#commit()
      await this.#release()
      await this.#lookAround()
    } catch {
      // The pumps and the group find out by themselves what is wrong, and tell; this is looked at again soon.
    }
  }

  async #commit(): Promise<void> {
    if (this.#taken.size === 0) return
    const taken = new Map(this.#taken)
    this.#taken.clear()
    await this.#membership.commit(taken).catch(() => {})
  }

  /** Partitions that waited for others go on when those have arrived. */
  async #release(): Promise<void> {
    const held = [...this.#slots.values()].filter((slot) => slot.held !== '')
    for (const slot of held) {
      const starts = this.#subscribed.find((one) => one.topic === slot.topic)?.starts ?? []
      await this.#placesOf(slot.topic, starts, readDrain(slot.held).length)
      if (!this.passed(slot, slot.held)) continue
      slot.held = ''
      this.changedNow()
    }
  }

  /** New partitions; and, as often as this is called, the leader of a partition that has none just now. */
  async #lookAround(): Promise<void> {
    const { clock } = this.#options.cluster.options
    const leaderless = [...this.#slots.values()].some((slot) => this.#leaderOf(slot) < 0)
    if (clock.monotonic() < this.#lookAgainAt && !leaderless) return
    this.#lookAgainAt = clock.monotonic() + growthMs
    const count = (metadata: ClusterMetadata | undefined): number =>
      this.#topicNames.reduce((sum, topic) => sum + (metadata?.topics.get(topic)?.partitionsCount ?? 0), 0)
    const before = count(this.#metadata)
    const found = await this.#learn(true)
    if (before > 0 && count(found) > before) await this.#membership.join()
  }
}

function leaderOf({ topic, partition }: Slot, metadata: ClusterMetadata | undefined): number {
  return metadata?.topics.get(topic)?.partitions[partition]?.leader ?? -1
}

type Starts = Readonly<Record<string, readonly number[]>>

/** Makes the topics that are missing, and records once where the consumer begins in each. */
async function subscribe({ facts, topics, cluster, consumer }: ConsumingOptions): Promise<Subscribed[]> {
  const streams = Object.entries(consumer.streams)
  await Promise.all(streams.map(([stream]) => topics.layoutOf(stream)))
  const key = `start/${consumer.store}`
  const known = (await facts.get<Starts>(key)) ?? {}
  const found = streams
    .filter(([stream]) => !known[stream])
    .map(async ([stream, from]) => {
      const edges = await cluster.offsets(topics.nameOf(stream), from === 'start' ? 'first' : 'next')
      return [stream, edges] as const
    })
  const fresh = Object.fromEntries(await Promise.all(found))
  const starts = await facts.change<Starts>(key, (recorded = {}) =>
    Object.keys(fresh).every((stream) => recorded[stream]) ? recorded : { ...fresh, ...recorded },
  )
  return streams.map(([stream]) => ({
    ...{ stream, topic: topics.nameOf(stream), starts: starts?.[stream] ?? [] },
    known: known[stream] !== undefined,
  }))
}
