import type { AnyCall, CallType } from './call.ts'
import { type AnyContract, type AnyEvent, type EventType, info } from './contract.ts'
import { answering, durableCalls, type Reply, refuseStranger, repliesTo, replyEvent, requestEvent } from './durable.ts'
import { SkerryError } from './errors.ts'
import type {
  CallContext,
  CallHandler,
  CallRequest,
  HandleContext,
  Handler,
  PrepareContext,
  ReadContext,
  ReceivedEvent,
  SentBy,
} from './flow/handler.ts'
import {
  declareSource,
  foreignPlace,
  type Sink,
  type SinkDefinition,
  type SinkTarget,
  type Source,
  type SourceDefinition,
  type SourceOptions,
} from './foreign.ts'
import { Memories, type Memory } from './memories.ts'
import type { Migration } from './store/store.ts'
import {
  checkName,
  checkReading,
  checkSubscription,
  type DurableCallOptions,
  type ServeOptions,
  type SubscriptionOptions,
} from './subscription.ts'

export type { Dependence, DurableCallOptions, Rate, ServeOptions, SubscriptionOptions } from './subscription.ts'

/** One handler: a function that touches only the store, or two steps when the outside world is involved. */
export type HandlerOf<Own extends string, Out, Prepared> =
  | ((tx: HandleContext<Own>, event: ReceivedEvent<Out>) => Promise<void> | void)
  | TwoSteps<Own, Out, Prepared>

export interface TwoSteps<Own extends string, Out, Prepared> {
  /** May do I/O and read a snapshot; runs outside any transaction, many side by side; its result must be cloneable. */
  readonly prepare: (ctx: PrepareContext, event: ReceivedEvent<Out>) => Promise<Prepared> | Prepared
  readonly handle: (tx: HandleContext<Own>, event: ReceivedEvent<Out>, prepared: Prepared) => Promise<void> | void
}

/** The handler of a call: a function that touches only the store and returns the answer, or two steps. */
export type CallHandlerOf<Own extends string, Received, Returned, Prepared> =
  | ((tx: CallContext<Own>, request: CallRequest<Received>) => Promise<Returned> | Returned)
  | {
      /** May do I/O and read a snapshot; runs outside any transaction; its result must be cloneable. */
      readonly prepare: (ctx: PrepareContext, request: CallRequest<Received>) => Promise<Prepared> | Prepared
      readonly handle: (
        tx: CallContext<Own>,
        request: CallRequest<Received>,
        prepared: Prepared,
      ) => Promise<Returned> | Returned
    }

/** What the runtime reads of a call that is served. */
export interface CallDefinition {
  readonly type: AnyCall
  readonly handler: CallHandler
  readonly options: ServeOptions
}

export interface Subscription<Own extends string> {
  readonly name: string
  /** Adds the handler for one event type. A second one for the same type is refused. */
  on<In, Out, Prepared = undefined>(
    type: EventType<string, string, In, Out>,
    handler: HandlerOf<Own, Out, Prepared>,
  ): Subscription<Own>
}

export interface ServiceOptions {
  /** Folder of numbered SQL files, or the migrations themselves. */
  readonly migrations?: URL | readonly Migration[]
  /** A projection: declared to emit nothing and to touch nothing outside, so that `rebuild` may make it anew. @default false */
  readonly projection?: boolean
  /** Contracts of services that its handlers call: a start where one of them is nowhere to be found is refused. @default not said */
  readonly calls?: readonly AnyContract[]
  /** How what is sent to it (`tx.send`) is handled. @default as any subscription */
  readonly durableCalls?: DurableCallOptions
}

/** What the runtime reads of a subscription. */
export interface SubscriptionDefinition {
  readonly name: string
  readonly options: SubscriptionOptions
  readonly handlers: ReadonlyMap<string, { readonly type: AnyEvent; readonly handler: Handler }>
  /** Present when it hands events to a foreign topic instead of to handlers. */
  readonly sink?: SinkDefinition
}

/** A sink is a subscription: position, order, retries, circuit and dead letters are those of one. */
export type SinkOptions = SubscriptionOptions & SinkTarget

export interface Service<Own extends string = string> {
  readonly contract: AnyContract<Own>
  readonly name: Own
  readonly options: ServiceOptions
  readonly subscriptions: ReadonlyMap<string, SubscriptionDefinition>
  readonly sources: ReadonlyMap<string, SourceDefinition>
  /** What the runtime reads of `memory`. */
  readonly memories: Memories
  /**
   * Declares memory that handlers may read and change beside the store: of one running instance, made anew by `make` at each
   * start, shared with no other process, not undone by a rollback, gone after a crash. It is to be data that can be cloned
   * (plain objects, arrays, maps, sets), so that `skerry check` can go back to what it was.
   *
   * ```ts
   * const prices = shop.memory(() => new Map<string, number>())
   * shop.on(Shop.priced, { name: 'cache', from: 'start' }, (_tx, { data }) => void prices().set(data.sku, data.cents))
   * ```
   */
  memory<T extends object>(make: () => T): Memory<T>
  /** By their names in the contract. */
  readonly calls: ReadonlyMap<string, CallDefinition>
  /** Answers a call of the own contract: with its answer all takes effect; when it throws, nothing. Reads are on a snapshot. */
  serve<In, Received, Returned, Out, Errors>(
    type: CallType<Own, string, In, Received, Returned, Out, Errors, true>,
    handler: (tx: ReadContext, request: CallRequest<Received>) => Promise<NoInfer<Returned>> | NoInfer<Returned>,
  ): Service<Own>
  serve<In, Received, Returned, Out, Errors, Prepared = undefined>(
    type: CallType<Own, string, In, Received, Returned, Out, Errors, false>,
    // Else what is returned would say what is to be returned.
    handler: CallHandlerOf<Own, Received, NoInfer<Returned>, Prepared>,
    options?: ServeOptions,
  ): Service<Own>
  /** Messages of a foreign topic become events of this service: each once, however often it is delivered. */
  source(name: string, options: SourceOptions): Source<Own>
  /** Events become messages of a foreign topic: at least once, with the event's id. */
  sink(name: string, options: SinkOptions): Sink
  /** One named reader with one position; per-key order holds across all the types that it names. */
  subscribe(name: string, options: SubscriptionOptions): Subscription<Own>
  /** The short form for a single type: a subscription of its own. */
  on<In, Out, Prepared = undefined>(
    type: EventType<string, string, In, Out>,
    handler: TwoSteps<Own, Out, Prepared> & SubscriptionOptions & { readonly name: string },
  ): Service<Own>
  on<In, Out>(
    type: EventType<string, string, In, Out>,
    options: SubscriptionOptions & { readonly name: string },
    handle: (tx: HandleContext<Own>, event: ReceivedEvent<Out>) => Promise<void> | void,
  ): Service<Own>
  /** What calls that this service sent (`tx.send`) come to: a subscription of its own, in which each reply is an event. */
  onReply<In, Received, Returned, Out, Errors, Prepared = undefined>(
    type: CallType<string, string, In, Received, Returned, Out, Errors, false> & SentBy<Own>,
    handler: TwoSteps<Own, Reply<Out, Errors>, Prepared> & SubscriptionOptions & { readonly name: string },
  ): Service<Own>
  onReply<In, Received, Returned, Out, Errors>(
    type: CallType<string, string, In, Received, Returned, Out, Errors, false> & SentBy<Own>,
    options: SubscriptionOptions & { readonly name: string },
    handle: (tx: HandleContext<Own>, reply: ReceivedEvent<Reply<Out, Errors>>) => Promise<void> | void,
  ): Service<Own>
}

// biome-ignore lint/suspicious/noExplicitAny: a service of any contract; contracts of concrete events are not assignable to a wider record
export type AnyService = Service<any>

/**
 * Declares a service over its contract.
 *
 * ```ts
 * export const inventory = service(Inventory, { migrations: new URL('./migrations/', import.meta.url) })
 * inventory.subscribe('stock', { from: 'start', order: 'key' }).on(Orders.placed, async (tx, event) => { … })
 * ```
 */
export function service<Own extends string>(own: AnyContract<Own>, options: ServiceOptions = {}): Service<Own> {
  const name = own[info].name
  const subscriptions = new Map<string, SubscriptionDefinition>()
  const sources = new Map<string, SourceDefinition>()
  const memories = new Memories(name)
  const calls = new Map<string, CallDefinition>()
  const hearing = hearingOf(own, options)
  const refuseTaken = (one: string): void => {
    if (subscriptions.has(one) || sources.has(one)) throw twoOfOneName(`${name}/${one}`)
  }
  const subscribe = (subscription: string, given: SubscriptionOptions): Subscription<Own> => {
    const handlers = new Map<string, { type: AnyEvent; handler: Handler }>()
    checkSubscription(`${name}/${subscription}`, subscription, given)
    refuseTaken(subscription)
    subscriptions.set(subscription, { name: subscription, options: given, handlers })
    return subscriptionBuilder<Own>(`${name}/${subscription}`, subscription, handlers)
  }
  const self: Service<Own> = {
    contract: own,
    name,
    options,
    subscriptions,
    sources,
    memories,
    memory: (make) => memories.declare(make),
    calls,
    subscribe,
    serve(type: AnyCall, handler: unknown, serving: ServeOptions = {}) {
      const definition = addCall(own, calls, { type, handler, options: serving }, options)
      for (const sender of type.senders)
        hear(subscriptions, hearing, requestEvent(type, sender), answering(type, definition.handler), serving)
      return self
    },
    onReply(type: AnyCall, first: SubscriptionOptions & { name: string }, handle?: unknown) {
      refuseStranger(type, name)
      const handler = repliesTo(name, normalise(handle ?? first))
      subscribe(first.name, first).on(replyEvent(type, name), handler as never)
      return self
    },
    source(one, given) {
      checkName(`${name}/${one}`, one)
      refuseTaken(one)
      refuseProjection(`${name}/${one}`, options)
      const { definition, builder } = declareSource<Own>(`${name}/${one}`, one, given)
      sources.set(one, definition)
      return builder
    },
    sink(one, given) {
      refuseProjection(`${name}/${one}`, options)
      foreignPlace(`${name}/${one}`, given)
      subscribe(one, given)
      return sinkBuilder(subscriptions, one, given)
    },
    on(type: AnyEvent, first: SubscriptionOptions & { name: string }, handle?: unknown) {
      subscribe(first.name, first).on(type, (handle ?? first) as never)
      return self
    },
  }
  return self
}

function subscriptionBuilder<Own extends string>(
  label: string,
  name: string,
  handlers: Map<string, { type: AnyEvent; handler: Handler }>,
): Subscription<Own> {
  const builder: Subscription<Own> = {
    name,
    on(type, handler) {
      if (handlers.has(type.label))
        throw new SkerryError(
          'invalid_config',
          `${label}: two handlers for ${type.label}; keep one, or subscribe under another name`,
        )
      handlers.set(type.label, { type, handler: normalise(handler) })
      return builder
    },
  }
  return builder
}

const twoOfOneName = (label: string): SkerryError =>
  new SkerryError('invalid_config', `${label}: two subscriptions of one name; rename one`)

function addCall(
  own: AnyContract,
  calls: Map<string, CallDefinition>,
  given: { readonly type: AnyCall; readonly handler: unknown; readonly options: ServeOptions },
  options: ServiceOptions,
): CallDefinition {
  const { type, handler } = given
  const refuse = (why: string): never => {
    throw new SkerryError('invalid_config', `${type.label}: ${why}`)
  }
  if (own[info].calls.get(type.name) !== type) refuse(`${own[info].name} serves only calls of its own contract`)
  if (calls.has(type.name)) refuse('two handlers; keep one')
  if (options.projection && !type.readOnly) refuse('a projection answers only what is read-only')
  const normal = (typeof handler === 'function' ? { handle: handler } : handler) as CallHandler
  if (type.readOnly && normal.prepare) refuse('what is read-only has one step')
  const definition = { ...given, handler: normal }
  calls.set(type.name, definition)
  return definition
}

/** Throws `invalid_config` naming the option, also where it could have no effect. */
function hearingOf(own: AnyContract, { durableCalls: given = {} }: ServiceOptions): SubscriptionOptions {
  const { name, calls } = own[info]
  const hearing = { ...given, from: 'start' as const }
  checkReading(`${name}/${durableCalls}`, hearing)
  if (Object.keys(given).length > 0 && ![...calls.values()].some(({ senders }) => senders.length > 0))
    throw new SkerryError(
      'invalid_config',
      `${name}: durableCalls is given, but its contract lets nobody send it a call; name senders there, or leave it out`,
    )
  return hearing
}

/** What is sent to a service comes by one subscription. */
function hear(
  subscriptions: Map<string, SubscriptionDefinition>,
  hearing: SubscriptionOptions,
  type: AnyEvent,
  handler: Handler,
  { dependsOn = [] }: ServeOptions,
): void {
  const before = subscriptions.get(durableCalls)
  const handlers = new Map([...(before?.handlers ?? []), [type.label, { type, handler }]])
  const all = [...new Set([...((before?.options ?? hearing).dependsOn ?? []), ...dependsOn])]
  const options = { ...hearing, ...(all.length > 0 && { dependsOn: all }) }
  subscriptions.set(durableCalls, { name: durableCalls, options, handlers })
}

/** Encoders are kept beside the subscription; whoever starts the service turns them into handlers. */
function sinkBuilder(subscriptions: Map<string, SubscriptionDefinition>, name: string, target: SinkOptions): Sink {
  const definition = subscriptions.get(name) as SubscriptionDefinition
  const handlers = new Map(definition.handlers)
  const encoders = new Map<string, (event: ReceivedEvent) => ReturnType<Parameters<Sink['on']>[1]>>()
  subscriptions.set(name, { ...definition, handlers, sink: { target, encoders } })
  const unbound: Handler = {
    handle: () => Promise.reject(new SkerryError('closed', `${name}: its service does not run`)),
  }
  const builder: Sink = {
    name,
    on(type, encode) {
      if (handlers.has(type.label))
        throw new SkerryError('invalid_config', `${name}: two encoders for ${type.label}; keep one`)
      handlers.set(type.label, { type, handler: unbound })
      encoders.set(type.label, encode as (event: ReceivedEvent) => ReturnType<typeof encode>)
      return builder
    },
  }
  return builder
}

function refuseProjection(label: string, { projection }: ServiceOptions): void {
  if (!projection) return
  throw new SkerryError(
    'invalid_config',
    `${label}: a projection touches nothing outside; give another service the topic`,
  )
}

function normalise(handler: unknown): Handler {
  return (typeof handler === 'function' ? { handle: handler } : handler) as Handler
}
