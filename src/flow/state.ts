import type { AnyEvent } from '../contract.ts'
import type { Delivery, Position } from '../event.ts'
import type { Random } from '../ids.ts'
import type { SubscriptionDefinition } from '../service.ts'
import { type Circuit, closedCircuit } from './circuit.ts'
import type { Handler } from './handler.ts'
import type { LaneRange } from './lanes.ts'
import { type Bucket, fullBucket } from './rate.ts'
import { defaultRetry, type RetryPolicy } from './retry.ts'
import type { Tries } from './tries.ts'

/**
 * What a processor holds in memory: readers (subscriptions) own shares (runs of lanes), shares have cursors (places in
 * streams) and keys in trouble, and works (events on their way) belong to a share. All of it can be lost at any moment:
 * the store's rows make it anew.
 */

export interface HandlerEntry {
  readonly type: AnyEvent
  readonly handler: Handler
}

/** One subscription at work in this process: its definition resolved, its shares, its queues, its limits. */
export class Reader {
  /** `service/subscription`: what positions, dead letters and the bus know it by. */
  readonly id: string
  readonly definition: SubscriptionDefinition
  readonly ordered: boolean
  readonly retry: RetryPolicy
  readonly budgetMs: number
  readonly concurrency: number
  readonly random: Random
  /** Handlers by stream and type. */
  readonly handlers = new Map<string, Map<string, HandlerEntry>>()
  /** True when a key's next event must not start before the one before it is committed. */
  readonly chained: boolean

  shares: Share[] = []
  /** Waiting for a place in `prepare`. */
  readonly queued: Work[] = []
  /** Waiting for the next transaction. */
  ready: Work[] = []
  /** The works of each key that is in flight, when chained; only the first `perKey.concurrency` have started. */
  readonly chains = new Map<string, Work[]>()
  /** How many prepare steps run, in all and by event type. */
  preparing = 0
  readonly preparingByType = new Map<string, number>()
  /** All works in flight, wherever they are. */
  readonly works = new Set<Work>()
  bytes = 0

  #circuit: Circuit = closedCircuit
  /** Told of every new state of the circuit. */
  onCircuit: (state: Circuit['state']) => void = () => {}
  bucket: Bucket | undefined
  readonly keyBuckets = new Map<string, Bucket>()
  /** Wall time at which an exception falls due; Infinity for none. */
  nextDue = 0
  paused = false

  constructor(service: string, definition: SubscriptionDefinition, random: Random, debugging: boolean) {
    const options = definition.options
    this.id = `${service}/${definition.name}`
    this.definition = definition
    this.ordered = options.order === 'key'
    this.retry = { ...defaultRetry, ...options.retry }
    this.budgetMs = debugging ? Number.POSITIVE_INFINITY : (options.budgetMs ?? 100)
    this.concurrency = options.concurrency ?? 64
    this.random = random
    let prepares = false
    for (const entry of definition.handlers.values()) {
      const ofStream = this.handlers.get(entry.type.service) ?? new Map<string, HandlerEntry>()
      this.handlers.set(entry.type.service, ofStream.set(entry.type.name, entry))
      prepares ||= entry.handler.prepare !== undefined
    }
    this.chained = prepares && (this.ordered || options.perKey?.concurrency !== undefined)
  }

  get circuit(): Circuit {
    return this.#circuit
  }

  set circuit(next: Circuit) {
    const changed = next.state !== this.#circuit.state
    this.#circuit = next
    if (changed) this.onCircuit(next.state)
  }

  get streams(): string[] {
    return [...this.handlers.keys()]
  }

  /** How many works of one key may run at once. */
  get perKey(): number {
    return this.ordered ? 1 : (this.definition.options.perKey?.concurrency ?? Number.POSITIVE_INFINITY)
  }

  /** Most prepare steps of one event type: a slow one leaves room for the others. */
  get perType(): number {
    let types = 0
    for (const entry of this.definition.handlers.values()) if (entry.handler.prepare) types++
    return types > 1 ? Math.max(1, Math.ceil(this.concurrency / 2)) : this.concurrency
  }

  bucketNow(now: number): Bucket | undefined {
    const limit = this.definition.options.rate
    if (limit) this.bucket ??= fullBucket(limit, now)
    return this.bucket
  }
}

/** A run of lanes of one subscription that this process owns, with its place in each stream. */
export interface Share {
  readonly reader: Reader
  readonly lanes: LaneRange
  /** Fences every commit: another owner has another token. */
  readonly token: string
  readonly cursors: Map<string, Cursor>
  /** Keys in trouble, by `keyId`. */
  readonly waiting: Map<string, WaitingKey>
  /** Exceptions that are in flight, by `placeId`, so that none is fetched twice. */
  readonly fetched: Set<string>
  /** How many of the next works run singly, since the last owner did not hand over: it may have died of one of them. */
  cautious: number
  /** True once the share is lost or handed over: its works are dropped where they stand. */
  lost: boolean
}

/** The place in one stream. Invariant: next ≤ every position in `open` < read. */
export interface Cursor {
  readonly stream: string
  /** On disk: everything below is settled or has a row. */
  next: Position
  /** Where to read on. */
  read: Position
  /** In flight from the log, in order of position. */
  readonly open: Map<Position, Work>
  /** True when there may be more to read. */
  stale: boolean
  /** Wall time at which there was no more to read: what was published before has been seen. */
  end: number
}

export interface WaitingKey {
  readonly stream: string
  readonly key: string
  readonly lane: number
  /** The key's events at or above this one wait (those with a due time of their own apart). */
  first: Position
  state: WaitingState
  /** The events that hold the key back; undefined when this process does not know: then there is one. */
  heads: ReadonlySet<Position> | undefined
  /** Where those that wait are, while this process saw all of them come; undefined when they must be looked for. */
  known: Position[] | undefined
}

export type WaitingState = 'blocked' | 'parked' | 'released'

/** Where the bookkeeping of an event in flight lives, hence what settling it must change. */
export type Origin =
  /** Read from the log, above the position: the position itself passes it. */
  | 'log'
  /** Below the position, with a row of its own. */
  | 'exception'
  /** Below the position, waiting behind its key: the key's row passes it. */
  | 'waiting'

/** What there is to do with an event; all but `handle` need no handler. */
export type Task =
  | { readonly kind: 'handle'; readonly type: AnyEvent; readonly handler: Handler }
  | { readonly kind: 'delay'; readonly until: number }
  | { readonly kind: 'expire' }
  | { readonly kind: 'cancel'; readonly id: string }
  | { readonly kind: 'unknown'; readonly message: string }

/** One event on its way through one subscription of this process. */
export interface Work {
  readonly share: Share
  readonly delivery: Delivery
  readonly lane: number
  readonly task: Task
  readonly tries: Tries
  origin: Origin
  /** True once later events were committed before it: its row says where it is, its place in line is still its own. */
  overtaken: boolean
  /** True while nothing else may run with it: after a crash or an overrun. */
  alone: boolean
  /** True once its run is journaled, so that a crash is told from an ordinary stop. */
  journaled: boolean
  /** True once its `prepare` has asked for an outside effect: intent and result are on disk. */
  usedOnce: boolean
  /** True for a delayed event that was due and is run for the first time: it may still have to wait for its key. */
  delayed: boolean
  stage: Stage
}

/** Where a work is; changed by the processor alone. */
export type Stage =
  | { readonly at: 'queued' }
  | { readonly at: 'preparing'; readonly abort: AbortController }
  | { readonly at: 'ready'; readonly prepared: unknown }
  | { readonly at: 'failed'; readonly error: unknown }
  | { readonly at: 'done' }

/** What became of a work within one transaction. */
export type Outcome =
  | { readonly kind: 'handled' }
  | {
      readonly kind: 'retry'
      readonly due: number
      readonly tries: Tries
      readonly unavailable: boolean
      readonly alone: boolean
    }
  | { readonly kind: 'dead'; readonly code: string; readonly message: string; readonly tries: Tries }
  | { readonly kind: 'delayed'; readonly due: number }
  | { readonly kind: 'unknown_version'; readonly message: string }
  | { readonly kind: 'expired' }
  | { readonly kind: 'cancelled' }
  /** Its key came into trouble earlier in this very batch: left where it is, behind the key. */
  | { readonly kind: 'diverted' }
