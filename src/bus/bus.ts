import type { Delivery, Position } from '../event.ts'
import type { Frame } from '../frame.ts'

/**
 * The bus port. A bus keeps streams of events durably and hands them out again; nothing else. Retries, delays,
 * order under failure, dead letters and exactly-once effects live in the consumer's own store, on every engine, so an
 * engine needs only to be a durable transport that replays or redelivers.
 *
 * Lifecycle: whoever opened a bus closes it. After `close` every method rejects with `closed`. No method blocks the
 * thread for longer than one read of a page cache.
 */
export interface Bus {
  /** The engine's name, such as `sqlite`. */
  readonly engine: string
  readonly capabilities: Capabilities

  /** Who this bus is and which writers it has had, newest last; see `Incarnation`. */
  lineage(): Promise<Lineage>

  /**
   * Appends a batch and resolves when it is durable (as `capabilities.durability` words it).
   * A batch is accepted once: of its events, those numbered at or below the producer's high-water mark are dropped.
   * Rejects with `overloaded` (nothing written) at the disk limit, `conflict` when `batch.after` is above the mark (an
   * earlier batch is missing: start again from `producerMark`), `unavailable` when nobody can write for longer than
   * the engine waits. After a rejection other than `overloaded` or `conflict` the outcome is unknown: append it again.
   */
  append(batch: Batch): Promise<void>

  /**
   * The highest number this bus has accepted from a producer; 0 for a new one. An engine that hands events out and keeps
   * no account of producers says 0, and takes what it is given again: numbers are dropped where they arrive.
   */
  producerMark(producer: string): Promise<number>

  /** The position that the next event will have at least; everything below is readable now. */
  head(): Promise<Position>

  /**
   * Up to `credit` events of one stream at or after `from`, in order, all that are durable and no others, never one
   * while an earlier one may still appear. Empty when there is nothing more: then `next` may still be above `from`.
   * Rejects with `position_lost` when retention has passed `from`.
   */
  read(stream: string, from: Position, credit: Credit): Promise<Chunk>

  /** One stored event; undefined when retention took it. */
  readOne(stream: string, position: Position): Promise<Delivery | undefined>

  /** Calls `listener` soon after something was appended to the stream, by whichever process. May call too often. */
  watch(stream: string, listener: () => void): Stop

  /**
   * Records a reader, so that retention never passes it. The first registration fixes the store; another store under
   * the same name is refused with `subscription_taken`. `marks` are where the reader is, by stream; a mark never moves
   * back. Resolves with what the bus had recorded before.
   */
  register(reader: Registration): Promise<Registered>

  /** What is below each mark will not be asked for again. Lazy: a crash may lose it, which costs only disk. */
  acknowledge(subscription: string, marks: Readonly<Record<string, Position>>): void

  /** Removes an abandoned reader. Rejects with `not_found`. */
  forget(subscription: string): Promise<void>

  status(): Promise<BusStatus>

  /**
   * Present on engines that hand events out instead of keeping a log that can be read by position (RabbitMQ), or whose
   * log has no one order (Kafka's partitions). There `flow/inbox` keeps what is delivered in the consumer's own store,
   * in the order of its arrival, before it is acknowledged; `read`, `readOne`, `head` and `watch` are asked of that inbox
   * and never of the engine, where they reject (`watch` throws) with `capability_absent`.
   *
   * Resolves once what is published from now on will reach the consumer; rejects when that cannot be had, as with
   * `unauthorized`. Afterwards the engine's absence is the engine's to mend: it goes on by itself, and tells the sink.
   */
  readonly deliver?: (consumer: Consumer, sink: Sink) => Promise<Consuming>

  /** Who else is there: presence of the processes of one group, and messages to them. Absent where an engine has none. */
  readonly group?: (group: string, member: string) => Group

  close(): Promise<void>
}

export interface Batch {
  readonly stream: string
  /** A name that numbers its events without gaps: a store's identity, or a publisher's own. */
  readonly producer: string
  /** Number of the last event sent before this batch (0 for none). Numbers start at 1. */
  readonly after: number
  /** How many events the frame holds; they are numbered `first`, `first + 1`, … with `first > after`. */
  readonly first: number
  readonly count: number
  readonly frame: Frame
}

/** One store that wants what some streams publish; its processes are one consumer with several connections. */
export interface Consumer {
  /** Identity of the store: the same name for all processes that share it. */
  readonly store: string
  /** Name of the service, for people who look at the engine. */
  readonly service: string
  /** `start`: all that the engine still has; `now`: what comes after the consumer was first made known to it. */
  readonly streams: Readonly<Record<string, 'start' | 'now'>>
}

/** What came in one message: a run of one producer's events, all of one source. */
export interface Parcel {
  readonly stream: string
  /** The part of the engine that keeps an order of its own: a queue, or a partition such as `orders/3`. */
  readonly source: string
  /**
   * Where sources have offsets: the place of the source before this parcel and after it. A parcel follows on the one
   * before it in the same source, or on what `Sink.places` said.
   */
  readonly offsets?: { readonly from: number; readonly to: number }
  readonly producer: string
  /** Number of each event of the frame; ascending. */
  readonly numbers: readonly number[]
  /** The number that the producer had sent before this batch: when the sink has not seen that, events are missing. */
  readonly after?: number
  /**
   * Where an engine spreads the events of one stream over several sources: the lane of each event, 0–63, such that a lane is
   * in one source at a time and in order there. Absent where a source has all that a producer sends to the stream.
   */
  readonly lanes?: readonly number[]
  readonly frame: Frame
}

export interface Sink {
  /**
   * Takes parcels in the order of their sources, and resolves once they are in the store: only then may the engine be
   * told. Waits while the store has no room. Rejects when they are not there: then the same parcels must come again, here
   * or at another process of the store; with `fenced` when the source has moved on elsewhere, and `places` must be asked again.
   */
  take(parcels: readonly Parcel[]): Promise<void>
  /** Where the store is in these sources (0 for one that it never heard of); to be asked whenever a source is assigned. */
  places(sources: readonly string[]): Promise<Readonly<Record<string, number>>>
  /** The engine is away, or back: for `status` and for the watcher. */
  interrupted(error: unknown, retryInMs: number): void
  resumed(): void
}

export interface Consuming {
  /** How many messages the engine has that the sink has not taken, as far as it can know; for `settled`. */
  behind(): Promise<number>
  /** Resolves when no `take` runs any more. */
  stop(): Promise<void>
}

export interface Credit {
  readonly events: number
  readonly bytes: number
}

export interface Chunk {
  readonly events: readonly Delivery[]
  /** Where to read on. */
  readonly next: Position
  /** Token of a writer's term no older than any of these events; '' where an engine has no terms. See `Incarnation`. */
  readonly term: string
}

export type Stop = () => void

/**
 * A writer's term. Each time an engine gains a writer it adds one, with the position at which its writing starts. A
 * reader remembers the newest it saw: a bus that was deleted or restored from an older copy cannot show it again at the
 * same place.
 */
export interface Incarnation {
  /** The term's number, counting up from 1, a dot, and something random. */
  readonly token: string
  readonly start: Position
}

export interface Lineage {
  readonly bus: string
  readonly incarnations: readonly Incarnation[]
  readonly head: Position
}

export interface Registration {
  readonly subscription: string
  /** Identity of the store that keeps its positions. */
  readonly store: string
  readonly marks: Readonly<Record<string, Position>>
}

export interface Registered {
  /** The marks recorded before this call; undefined for a new reader. */
  readonly marks: Readonly<Record<string, Position>> | undefined
}

/** The processes that serve one store. */
export interface Group {
  /** Resolves with the members alive now, this one included; waits while a new writer is still hearing from them. */
  members(): Promise<readonly string[]>
  /** Calls `listener` when a member came, went or nudged. */
  onChange(listener: (change: GroupChange) => void): Stop
  /** Tells every other member to look: there is work in the store that it did not see arrive. */
  nudge(): void
  /**
   * The right to begin a write transaction on the shared store, granted to one member at a time, in the order of
   * asking. It is kept between transactions until another member asks, so a single process never waits. Only
   * fairness depends on it: safety is the store's own lock and its fencing tokens.
   */
  turn(): Promise<Release>
  leave(): void
}

export type Release = () => void
export type GroupChange = 'members' | 'nudge'

/** How an engine gives a capability: by itself, by Skerry on top, or not at all. */
export type Grade = 'native' | 'emulated' | 'absent'

export interface Capabilities {
  /** Events of one key stay in order across competing processes. */
  readonly keyOrder: Grade
  readonly delay: Grade
  /** A consumer that is new to the engine gets what a stream had before. */
  readonly fromStart: Grade
  /** A consumer can read again what it was given: to make a projection anew, or for one more subscription from the start. */
  readonly replay: Grade
  /** A consumer that lost its claim cannot settle. */
  readonly fencing: Grade
  /** Publishing the same numbered event twice stores it once. */
  readonly deduplication: Grade
  /** How long duplicates are recognised, in milliseconds; Infinity for ever. */
  readonly deduplicationHorizonMs: number
  /** `synced`: on disk before `append` resolves. `engine`: what the engine promises, which a power cut may undo. */
  readonly durability: 'synced' | 'engine'
}

export interface StreamStatus {
  readonly stream: string
  readonly events: number
  readonly bytes: number
  /** Oldest and next position; equal when empty. */
  readonly first: Position
  readonly next: Position
}

export interface ReaderStatus {
  readonly subscription: string
  readonly store: string
  readonly marks: Readonly<Record<string, Position>>
}

export interface BusStatus {
  readonly bus: string
  readonly engine: string
  readonly head: Position
  readonly streams: readonly StreamStatus[]
  readonly readers: readonly ReaderStatus[]
  /** The process that writes, and whether it answers. */
  readonly writer: { readonly pid: number; readonly answering: boolean } | undefined
  readonly diskBytes: number
  readonly diskLimitBytes: number
  /** Wall-clock jumps of more than a minute seen since start; deletion pauses after each. */
  readonly clockJumps: number
}
