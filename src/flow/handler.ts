import type { CallType } from '../call.ts'
import type { EventType } from '../contract.ts'
import type { Attributes } from '../event.ts'
import type { Dialect, Row, Rows } from '../store/store.ts'

/** An event as a handler gets it: data checked, of the newest version, and the handler's own to change. */
export interface ReceivedEvent<Data = unknown> {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly version: number
  readonly key: string
  readonly time: Date
  readonly data: Data
  readonly attributes: Attributes
  /** Which try this is, from 1. */
  readonly attempt: number
}

/** A tagged template: always bound parameters. Values map as the table in `store/values.ts` says. */
export type Sql = <R = Row>(template: TemplateStringsArray, ...values: unknown[]) => Promise<Rows<R>>

/** What `handle` may touch: the service's own store, its outbox, and inputs derived from the event. */
export interface HandleContext<Own extends string = string> {
  readonly sql: Sql
  /** Of the store; for query builders. */
  readonly dialect: Dialect
  /** Like `sql`, for a statement that must change at least one row: else the row's version was stale, and both steps run again. */
  readonly versioned: Sql
  /** Emits an event of the service's own contract; resolves with its id. It takes effect with the transaction. */
  publish<In, Out>(type: EventType<Own, string, In, Out>, data: In, options?: PublishOptions): Promise<string>
  /**
   * Sends a call: accepted with the transaction, handled exactly once when its service is there. What it comes to is an event for
   * `service.onReply`. Resolves with the id that the reply names. Throws `invalid_request`.
   */
  send<In, Received, Returned, Out, Errors>(
    type: CallType<string, string, In, Received, Returned, Out, Errors, false> & SentBy<Own>,
    input: In,
    options?: SendOptions,
  ): Promise<string>
  /** Withdraws a delayed event that this service published earlier, from every consumer that still holds it. */
  cancel(type: EventType<Own, string, never, unknown>, id: string): Promise<void>
  /**
   * Withdraws a delayed call that this service sent earlier, where it is not handled yet; nothing comes of it then, and no reply.
   * `key`: what it was sent with. @default the key of the event that is handled
   */
  cancel(type: SentBy<Own>, id: string, key?: string): Promise<void>
  /** The same for the same event, each time: a UUID. */
  id(): string
  /** The same for the same event, each time: a number in [0, 1). */
  random(): number
  /** The event's own time. */
  now(): Date
  /** Aborts when the handler's budget is over: its work is rolled back from then on. */
  readonly signal: AbortSignal
}

/** A call whose contract lets this service send it. */
export interface SentBy<Own extends string> {
  readonly kind: 'call'
  readonly isSender: (service: Own) => boolean
}

export interface PublishOptions {
  /** Handle it only after this long, in milliseconds, or at this time. */
  readonly delay?: number | Date
  /** Do not handle it at or after this time. */
  readonly expires?: Date
  /** Further CloudEvents attributes: lower-case letters and digits. */
  readonly attributes?: Attributes
}

export interface SendOptions extends PublishOptions {
  /** What the call is about; its reply has the same. @default the key of the event that is handled; outside of handlers '' */
  readonly key?: string
}

/** What `prepare` may touch: the outside world, under a name, and a read-only view of the store. */
export interface PrepareContext {
  /** One statement on its own snapshot, read-only. */
  readonly sql: Sql
  /** Several statements on one snapshot. Keep it short: a long reader holds the store's log. */
  snapshot<T>(read: (tx: { readonly sql: Sql }) => Promise<T>): Promise<T>
  /** A question to the outside world, named so that tests and the checker can answer it. */
  outside<T>(name: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T>
  /**
   * An effect on the outside world, at most one result for each event: intent and result are on disk. `act` gets a
   * stable idempotency key; a try after a crash, a retry or a redrive reuses the result. When a crash left an intent
   * without a result for longer than `keyLifetimeMs` (default 24 h), the event is parked as `in_doubt`.
   */
  once<T>(
    name: string,
    act: (key: string, signal: AbortSignal) => Promise<T>,
    options?: { readonly keyLifetimeMs?: number },
  ): Promise<T>
  /**
   * Asks another service, and waits for its answer: here where it runs in this process, else where `start` was told that it is.
   * Its idempotency key is derived from the event, so that a retry, a redelivery or a crash has no second effect. Rejects with the
   * refusal that the contract declares (`Orders.place.refused(error, 'soldOut')`), or with `unavailable`, `overloaded` (both
   * uncharged), `deadline_exceeded`, `invalid_request`, `failed`, …, or `in_doubt` as `once` does.
   */
  call<In, Received, Returned, Out, Errors, ReadOnly extends boolean>(
    type: CallType<string, string, In, Received, Returned, Out, Errors, ReadOnly>,
    input: In,
    options?: CallingOptions,
  ): Promise<Out>
  now(): Date
  readonly signal: AbortSignal
}

export interface CallingOptions {
  /**
   * Tells several calls of one type apart, so that each keeps its idempotency key when the step runs again and makes others
   * or makes them in another order. @default their order
   */
  readonly name?: string
  /** How long to wait, all tries together, in milliseconds; never longer than whoever waits for this step. @default what the contract says */
  readonly deadlineMs?: number
}

/** A call as its handler gets it. */
export interface CallRequest<Data = unknown> {
  /** The same whenever the call comes again under its idempotency key. */
  readonly id: string
  /** The service that calls, where it said so. */
  readonly from: string | undefined
  /** Checked by the call's schema. */
  readonly input: Data
  /** Its idempotency key, if it came with one. */
  readonly key: string | undefined
  /** When it came. */
  readonly time: Date
  /** After this nobody waits for the answer, and nothing takes effect any more. */
  readonly deadline: Date
  readonly attributes: Attributes
}

/** What the handler of a call may touch: as for events, but that a withdrawal names the key of what it withdraws. */
export interface CallContext<Own extends string = string> extends Omit<HandleContext<Own>, 'cancel'> {
  /** Withdraws a delayed event that this service published earlier under this key. */
  cancel(type: EventType<Own, string, never, unknown>, id: string, key: string): Promise<void>
  /** Withdraws a delayed call that this service sent earlier under this key. */
  cancel(type: SentBy<Own>, id: string, key: string): Promise<void>
}

/** What the handler of a read-only call may touch: one snapshot of the store. */
export interface ReadContext {
  readonly sql: Sql
  /** Of the store; for query builders. */
  readonly dialect: Dialect
  now(): Date
  /** Aborts at the deadline. */
  readonly signal: AbortSignal
}

/** A call's handler with its types forgotten. */
export interface CallHandler {
  readonly prepare?: (ctx: PrepareContext, request: CallRequest) => unknown
  readonly handle: (tx: never, request: CallRequest, prepared?: unknown) => unknown
}

/** A function that an author wrote, of whatever types. */
export type Authored = (...given: never[]) => unknown

/** A handler with its types forgotten: the registry's view. */
export interface Handler {
  readonly prepare?: (ctx: PrepareContext, event: ReceivedEvent) => unknown
  readonly handle: (tx: HandleContext, event: ReceivedEvent, prepared?: unknown) => Promise<void> | void
  /** What takes effect instead, as the event's handling, when a try ended so and was rolled back; nothing where it failed. */
  readonly instead?: (error: unknown) => ((tx: HandleContext, event: ReceivedEvent) => Promise<void>) | undefined
  /** What the author wrote, where this is wrapped around it: for whoever looks into functions. */
  readonly written?: { readonly prepare?: Authored; readonly handle: Authored }
}
