import type { Delivery, Position } from '../../event.ts'
import type { Watcher } from '../../telemetry.ts'
import type { Clock, Timer } from '../../time.ts'
import type {
  Batch,
  Bus,
  BusStatus,
  Capabilities,
  Chunk,
  Credit,
  Group,
  Lineage,
  Registered,
  Registration,
  Stop,
} from '../bus.ts'
import { Appends } from './appends.ts'
import { isMissingStream } from './failures.ts'
import type { Log } from './log.ts'
import { positionOf } from './message.ts'
import { Reads } from './reads.ts'
import { Registry } from './registry.ts'
import { Retention, type RetentionRules } from './retention.ts'
import { Seat } from './seat.ts'
import { groupsConfig } from './settings.ts'
import { Tallies } from './tally.ts'
import { Terms } from './terms.ts'

/** Watchers look for themselves this often: at streams that nobody reads here, and should a push ever be lost. */
const lookMs = 250
/** Marks are gathered this long before they travel. */
const marksMs = 200
const retentionMs = 1000
/** Events grow old though nothing is appended. */
const retentionAtRestMs = 60_000

export interface EngineOptions {
  readonly log: Log
  readonly clock: Clock
  readonly watcher: Watcher
  readonly durability: Capabilities['durability']
  readonly timeoutMs: number
  readonly mostBytes: number
  readonly rules: RetentionRules
  readonly maxBytes: number | undefined
}

/** The bus as one process has it: everything that lasts is on the server. */
export class NatsBus implements Bus {
  readonly engine = 'nats'
  readonly capabilities: Capabilities
  readonly #log: Log
  readonly #clock: Clock
  readonly #terms: Terms
  readonly #appends: Appends
  readonly #reads: Reads
  readonly #registry: Registry
  readonly #tallies: Tallies
  readonly #retention: Retention
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #seats = new Set<Seat>()
  #marks = new Map<string, Record<string, Position>>()
  #marksTimer: Timer | undefined
  #flushing: Promise<void> = Promise.resolve()
  #lookTimer: Timer | undefined
  #looked = 0
  #retentionTimer: Timer | undefined
  #retainAt = Number.POSITIVE_INFINITY
  #retaining: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(options: EngineOptions) {
    const { log, clock, watcher, timeoutMs, mostBytes, rules, maxBytes } = options
    this.#log = log
    this.#clock = clock
    this.capabilities = {
      keyOrder: 'emulated',
      delay: 'emulated',
      fromStart: 'native',
      replay: 'native',
      fencing: 'emulated',
      deduplication: 'native',
      deduplicationHorizonMs: Number.POSITIVE_INFINITY,
      durability: options.durability,
    }
    const terms = new Terms(log)
    this.#terms = terms
    this.#registry = new Registry(log)
    this.#tallies = new Tallies(log)
    this.#appends = new Appends({ log, terms, clock, timeoutMs, mostBytes, onStored: () => this.#retainSoon() })
    this.#reads = new Reads({ log, terms, clock, timeoutMs, onArrival: (stream) => this.#notify(stream) })
    const { registry, tallies } = { registry: this.#registry, tallies: this.#tallies }
    this.#retention = new Retention({ log, terms, registry, tallies, rules, maxBytes, clock, watcher })
  }

  async append(batch: Batch): Promise<void> {
    this.#refuseEnded()
    return this.#appends.append(batch)
  }

  async producerMark(producer: string): Promise<number> {
    this.#refuseEnded()
    return this.#appends.mark(producer)
  }

  async head(): Promise<Position> {
    this.#refuseEnded()
    return positionOf((await this.#log.tip()).last + 1)
  }

  async read(stream: string, from: Position, credit: Credit): Promise<Chunk> {
    this.#refuseEnded()
    return this.#reads.read(stream, from, credit)
  }

  async readOne(stream: string, position: Position): Promise<Delivery | undefined> {
    this.#refuseEnded()
    return this.#reads.readOne(stream, position)
  }

  async lineage(): Promise<Lineage> {
    this.#refuseEnded()
    return this.#terms.lineage()
  }

  watch(stream: string, listener: () => void): Stop {
    let listeners = this.#listeners.get(stream)
    if (!listeners) {
      listeners = new Set()
      this.#listeners.set(stream, listeners)
    }
    const own = (): void => listener()
    listeners.add(own)
    if (!this.#lookTimer) this.#scheduleLook()
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#listeners.get(stream) === listeners) this.#listeners.delete(stream)
    }
  }

  async register(reader: Registration): Promise<Registered> {
    this.#refuseEnded()
    return this.#registry.register(reader)
  }

  acknowledge(subscription: string, marks: Readonly<Record<string, Position>>): void {
    if (this.#closing) return
    const known = this.#marks.get(subscription) ?? {}
    this.#marks.set(subscription, known)
    for (const stream in marks) known[stream] = Math.max(known[stream] ?? 0, marks[stream] ?? 0)
    this.#marksTimer ??= this.#clock.after(marksMs, () => void this.#flushMarks(), { background: true })
  }

  async forget(subscription: string): Promise<void> {
    this.#refuseEnded()
    this.#marks.delete(subscription)
    await this.#registry.forget(subscription)
    this.#retainSoon()
  }

  async status(): Promise<BusStatus> {
    this.#refuseEnded()
    const tip = await this.#log.tip()
    const streams = await this.#tallies.streams(tip)
    return {
      bus: this.#log.identity,
      engine: this.engine,
      head: positionOf(tip.last + 1),
      streams,
      readers: await this.#registry.readers(),
      writer: undefined,
      diskBytes: tip.diskBytes,
      diskLimitBytes: tip.limitBytes,
      clockJumps: this.#retention.clockJumps,
    }
  }

  readonly group = (group: string, member: string): Group => {
    this.#refuseEnded()
    const log = this.#log
    const seat: Seat = new Seat({
      ...{ log, clock: this.#clock, group, member, stream: log.names.groups },
      prepare: () => this.#prepareGroups(),
      onLeave: () => void this.#seats.delete(seat),
    })
    this.#seats.add(seat)
    return seat
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#lookTimer?.cancel()
    this.#retentionTimer?.cancel()
    this.#listeners.clear()
    await this.#appends.drained()
    await this.#flushMarks()
    await this.#retaining
    for (const seat of [...this.#seats]) seat.leave()
    this.#reads.close()
    await this.#log.link.close()
  }

  async #prepareGroups(): Promise<void> {
    const { jsm, link, names } = this.#log
    try {
      await link.once(() => jsm.streams.info(names.groups))
    } catch (error) {
      if (!isMissingStream(error)) throw error
      await link.once(() => jsm.streams.add(groupsConfig(names)))
    }
  }

  /** Lazy: what cannot be told now is told with the next marks. */
  #flushMarks(): Promise<void> {
    this.#marksTimer?.cancel()
    this.#marksTimer = undefined
    const marks = this.#marks
    this.#marks = new Map()
    this.#flushing = this.#flushing.then(async () => {
      // Nobody waits for marks: at the end, a server that is away goes without them.
      if (this.#closing && this.#log.link.away) return
      for (const [subscription, places] of marks)
        await this.#registry.acknowledge(subscription, places).catch(() => this.acknowledge(subscription, places))
      if (marks.size > 0) this.#retainSoon()
    })
    return this.#flushing
  }

  #notify(stream: string): void {
    for (const listener of [...(this.#listeners.get(stream) ?? [])]) listener()
  }

  #notifyAll(): void {
    for (const stream of [...this.#listeners.keys()]) this.#notify(stream)
  }

  /** Streams that nobody reads here, and those whose end moved on because others grew: readers wait at the log's end. */
  #scheduleLook(): void {
    this.#lookTimer = this.#clock.after(
      lookMs,
      () => {
        this.#lookTimer = undefined
        if (this.#closing || this.#listeners.size === 0) return
        this.#scheduleLook()
        if (!this.#log.link.away) void this.#look().catch(() => {})
      },
      { background: true },
    )
  }

  async #look(): Promise<void> {
    const { last } = await this.#log.tip()
    if (last === this.#looked) return
    this.#looked = last
    this.#notifyAll()
  }

  #retainSoon(): void {
    this.#retainIn(retentionMs)
  }

  #retainIn(ms: number): void {
    if (!this.#retention.wanted || this.#closing) return
    const at = this.#clock.monotonic() + ms
    if (at >= this.#retainAt) return
    this.#retainAt = at
    this.#retentionTimer?.cancel()
    this.#retentionTimer = this.#clock.after(ms, () => this.#retain(), { background: true })
  }

  #retain(): void {
    this.#retaining = this.#retaining.then(async () => {
      this.#retainAt = Number.POSITIVE_INFINITY
      if (this.#closing) return
      await this.#retention.run().catch(() => this.#retainSoon())
      this.#retainIn(retentionAtRestMs)
    })
  }

  #refuseEnded(): void {
    this.#log.link.refuseEnded()
    if (this.#closing) throw this.#log.link.ended()
  }
}
