import { type AnyCall, type CallSpecs, type CallTypeOf, callType } from './call.ts'
import { messageOf, SkerryError } from './errors.ts'
import { type AnySchema, type Input, jsonSchemaOf, type Output, validate } from './schema.ts'

/**
 * A contract: what a service says to others. Importing one imports no implementation, and works in a browser.
 *
 * ```ts
 * export const Orders = contract('orders', { events: { placed: event({ data: OrderPlaced, key: (d) => d.orderId }) } })
 * ```
 */
export type Contract<
  Name extends string = string,
  Events extends EventSpecs = EventSpecs,
  // biome-ignore lint/complexity/noBannedTypes: no calls at all, which `{}` says in a mapped type
  Calls extends CallSpecs = {},
> = {
  readonly [K in keyof Events & string]: EventType<Name, K, Input<Events[K]['data']>, Output<Events[K]['data']>>
} & { readonly [K in keyof Calls & string]: CallTypeOf<Name, K, Calls[K]> } & { readonly [info]: ContractInfo<Name> }

/** A contract of any events and calls. */
export interface AnyContract<Name extends string = string> {
  readonly [info]: ContractInfo<Name>
}

/** What an author writes for one event. */
export interface EventSpec<S extends AnySchema = AnySchema> {
  readonly data: S
  /** The entity that the event is about; lends per-key order. Events without one have the key ''. */
  readonly key?: (data: Output<S>) => string
  /**
   * What a fact is known by, where it happens once: its key, or these fields of its data. There is no second event of this type
   * with the same. Only the checker makes use of it.
   */
  readonly once?: 'key' | readonly (keyof Output<S> & string)[]
  /** Raised with each change of the schema. 1–65535. @default 1 */
  readonly version?: number
  /** How data of an older version becomes data of the next one up, by older version. */
  // biome-ignore lint/suspicious/noExplicitAny: data of past versions has no type any more; the schema checks the result
  readonly upcast?: Readonly<Record<number, (data: any) => unknown>>
}

export type EventSpecs = Readonly<Record<string, EventSpec>>

/** One event of one contract, with the type of its data for publishers (`In`) and for handlers (`Out`). */
export interface EventType<Service extends string = string, Name extends string = string, In = unknown, Out = unknown> {
  readonly kind: 'event'
  readonly service: Service
  readonly name: Name
  readonly version: number
  /** `orders.placed`, for messages. */
  readonly label: string
  /** There is no second event of this type with the same key, or with the same values in these fields. */
  readonly once: 'key' | readonly string[] | undefined
  /** Checks data from a publisher. Throws `invalid_event` naming the path. */
  parse(data: In): Out
  /** Brings stored data of any known version up to date and checks it. Throws `invalid_event`, `unknown_version`. */
  read(version: number, data: unknown): Out
  /** True when this code can read that version. */
  knows(version: number): boolean
  keyOf(data: Out): string
  jsonSchema(): Record<string, unknown>
}

// biome-ignore lint/suspicious/noExplicitAny: an event of any data; methods make `unknown` invariant here
export type AnyEvent<Service extends string = string> = EventType<Service, string, any, any>

/** The data that handlers of an event get. */
export type DataOf<E> = E extends EventType<string, string, infer _In, infer Out> ? Out : never
/** The data that publishers of an event give. */
export type InputOf<E> = E extends EventType<string, string, infer In, infer _Out> ? In : never

export const info: unique symbol = Symbol('skerry.contract')

export interface ContractInfo<Name extends string = string> {
  readonly name: Name
  readonly events: ReadonlyMap<string, AnyEvent<Name>>
  readonly calls: ReadonlyMap<string, AnyCall<Name>>
}

const serviceName = /^[a-z][a-z0-9-]{0,62}$/
const ownName = /^[a-zA-Z][a-zA-Z0-9_-]{0,62}$/

/** Declares an event. Types flow from its schema; nothing is generated. */
export function event<S extends AnySchema>(spec: EventSpec<S>): EventSpec<S> {
  return spec
}

/** Declares a contract. Throws `invalid_config` naming what is wrong with a name, a version or an upcaster. */
export function contract<
  const Name extends string,
  const Events extends EventSpecs,
  // biome-ignore lint/complexity/noBannedTypes: as above
  const Calls extends CallSpecs = {},
>(
  name: Name,
  definition: {
    readonly events: Events
    /** Their names differ from those of its events. */
    readonly calls?: Calls & { readonly [K in keyof Events]?: never }
  },
): Contract<Name, Events, Calls> {
  if (!serviceName.test(name))
    throw new SkerryError('invalid_config', `contract '${name}': use a name like 'orders' (a–z, 0–9, '-', at most 63)`)
  // Its store would be the bus's own file.
  if (name === 'bus')
    throw new SkerryError('invalid_config', `contract 'bus': this name is taken by the bus itself; choose another`)
  const events = new Map<string, AnyEvent<Name>>()
  for (const [key, spec] of Object.entries(definition.events)) events.set(key, eventType(name, key, spec))
  const calls = new Map<string, AnyCall<Name>>()
  for (const [key, spec] of Object.entries(definition.calls ?? {})) {
    checkName('call', `${name}.${key}`, key)
    if (events.has(key))
      throw new SkerryError('invalid_config', `call '${name}.${key}': an event has this name; choose another`)
    calls.set(key, callType(name, key, spec))
  }
  const result = { ...Object.fromEntries(events), ...Object.fromEntries(calls), [info]: { name, events, calls } }
  return Object.freeze(result) as unknown as Contract<Name, Events, Calls>
}

function checkName(kind: string, label: string, name: string): void {
  if (ownName.test(name)) return
  const message = `${kind} '${label}': use a name like 'placed' (letters, digits, '-', '_', at most 63)`
  throw new SkerryError('invalid_config', message)
}

function eventType<Service extends string>(service: Service, name: string, spec: EventSpec): AnyEvent<Service> {
  const label = `${service}.${name}`
  checkName('event', label, name)
  if (name.includes('__'))
    throw new SkerryError('invalid_config', `event '${label}': two underscores in a row are for durable calls; use one`)
  const version = spec.version ?? 1
  if (!Number.isInteger(version) || version < 1 || version > 65535)
    throw new SkerryError(
      'invalid_config',
      `event '${label}': version ${version} is not a whole number from 1 to 65535`,
    )
  const upcast = spec.upcast ?? {}
  for (const from of Object.keys(upcast)) {
    if (!Number.isInteger(Number(from)) || Number(from) < 1 || Number(from) >= version)
      throw new SkerryError(
        'invalid_config',
        `event '${label}': upcaster ${from} must be from a version below ${version}`,
      )
  }
  const knows = (from: number): boolean => {
    for (let v = from; v < version; v++) if (!upcast[v]) return false
    return from >= 1 && from <= version
  }
  return Object.freeze({
    kind: 'event' as const,
    service,
    name,
    version,
    label,
    once: spec.once,
    knows,
    parse: (data: unknown) => validate(spec.data, data, label),
    read(from: number, data: unknown) {
      if (!knows(from))
        throw new SkerryError(
          'unknown_version',
          `${label}: version ${from} is not known here (newest ${version}); deploy the code that knows it, or add an upcaster`,
        )
      let current = data
      for (let v = from; v < version; v++) current = raise(label, v, upcast[v], current)
      return validate(spec.data, current, label)
    },
    keyOf: (data: unknown) => (spec.key ? spec.key(data as never) : ''),
    jsonSchema: () => jsonSchemaOf(spec.data, label),
  })
}

/** One step up. An upcaster that fails would fail each time: the event is at fault, or the code that reads it. */
function raise(label: string, from: number, upcaster: ((data: never) => unknown) | undefined, data: unknown): unknown {
  try {
    return upcaster?.(data as never)
  } catch (cause) {
    const message = `${label}: its upcaster from version ${from} failed: ${messageOf(cause)}`
    throw new SkerryError('invalid_event', message, { cause })
  }
}
