import { SkerryError } from './errors.ts'
import type { Attributes } from './event.ts'
import { type AnySchema, type Input, jsonSchemaOf, type Output, validate } from './schema.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
/** `POST /orders`, `GET /orders/{orderId}`: a name in braces is a field of the input. */
export type Route = `${Method} /${string}`

/** What an author writes for one thing that a call may refuse. */
export interface CallErrorSpec<S extends AnySchema = AnySchema> {
  /** HTTP status, 400–499. @default 409 */
  readonly status?: number
  /** What goes with it. @default nothing */
  readonly data?: S
}

export type CallErrors = Readonly<Record<string, CallErrorSpec>>

/** What an author writes for one call. Calls are unary: one request, one answer. */
export interface CallSpec<
  In extends AnySchema = AnySchema,
  Out extends AnySchema = AnySchema,
  Errors extends CallErrors = CallErrors,
  Http extends Route = Route,
  ReadOnly extends boolean = boolean,
  Senders extends string = string,
> {
  readonly input: In
  /** Of what is answered: JSON data. */
  readonly output: Out
  /** What it may refuse, by name; everything else that can go wrong needs no declaration. */
  readonly errors?: Errors
  /** @default `POST /<service>/<call>` */
  readonly http?: Http
  /** It changes nothing, and is handled on a snapshot, beside the writer. @default true for GET, else false */
  readonly readOnly?: ReadOnly
  /** Twice is as good as once, so that it may be repeated without an idempotency key. @default false; read-only ones are */
  readonly idempotent?: boolean
  /** How long a caller waits unless it says otherwise, in milliseconds, 1–60 000. @default 2000 */
  readonly deadlineMs?: number
  /** How long the answer to an idempotency key is kept, in milliseconds, at least 60 000. @default 24 hours */
  readonly rememberMs?: number
  /** Services that may call it. @default everybody */
  readonly from?: readonly string[]
  /**
   * Services that may send it, to be handled once this service is there (`tx.send`); it reads their streams. Not for what is
   * read-only. @default none
   */
  readonly senders?: readonly Senders[]
}

// biome-ignore lint/suspicious/noExplicitAny: a spec of any schemas
export type AnyCallSpec = CallSpec<any, any, any, any, any, any>
export type CallSpecs = Readonly<Record<string, AnyCallSpec>>

/** Declares a call. Types flow from its schemas; nothing is generated. */
export function call<
  In extends AnySchema,
  Out extends AnySchema,
  // biome-ignore lint/complexity/noBannedTypes: no errors at all, which `{}` says in a mapped type
  const Errors extends CallErrors = {},
  const Http extends Route = 'POST /',
  const ReadOnly extends boolean = false,
  const Senders extends string = never,
>(spec: CallSpec<In, Out, Errors, Http, ReadOnly, Senders>): CallSpec<In, Out, Errors, Http, ReadOnly, Senders> {
  return spec
}

/** True for what is handled on a snapshot: said so, or reached by GET. */
type Reads<Http, ReadOnly> = ReadOnly extends true ? true : Http extends `GET ${string}` ? true : false

/** Types of what callers give, handlers get, handlers return and callers get; and of what it may refuse. */
export type CallTypeOf<Service extends string, Name extends string, Spec> =
  Spec extends CallSpec<infer In, infer Out, infer Errors, infer Http, infer ReadOnly, infer Senders>
    ? CallType<Service, Name, Input<In>, Output<In>, Input<Out>, Output<Out>, Errors, Reads<Http, ReadOnly>, Senders>
    : never

type DataOfError<E> = E extends { readonly data: infer S } ? Output<S> : undefined
type Given<E> = E extends { readonly data: infer S } ? [data: Input<S>] : []

/** One call of one contract. */
export interface CallType<
  Service extends string = string,
  Name extends string = string,
  In = unknown,
  Received = unknown,
  Returned = unknown,
  Out = unknown,
  Errors = unknown,
  ReadOnly extends boolean = boolean,
  Senders extends string = never,
> {
  readonly kind: 'call'
  readonly service: Service
  readonly name: Name
  /** `orders.place`, for messages. */
  readonly label: string
  readonly method: Method
  /** With `{field}` where a field of the input stands. */
  readonly path: string
  readonly readOnly: ReadOnly
  readonly idempotent: boolean
  /** Milliseconds. */
  readonly deadlineMs: number
  /** Milliseconds. */
  readonly rememberMs: number
  readonly from: readonly string[] | undefined
  readonly senders: readonly string[]
  /** A property, so that a service which may not send is one too many for the type, too. */
  readonly isSender: (service: Senders) => boolean
  readonly errors: ReadonlyMap<string, DeclaredError>
  /** Checks what a caller gave. Throws `invalid_request` naming the path. */
  take(input: In): Received
  /** Checks what a handler returned. Throws `failed` naming the path. */
  give(output: Returned): Out
  /** To be thrown by a handler; its caller can tell it by name, and has its data. Nothing takes effect. */
  refuse<K extends keyof Errors & string>(name: K, ...data: Given<Errors[K]>): Refusal<K, DataOfError<Errors[K]>>
  /** True when the call was refused so. */
  refused<K extends keyof Errors & string>(error: unknown, name: K): error is Refusal<K, DataOfError<Errors[K]>>
  inputSchema(): Record<string, unknown>
  outputSchema(): Record<string, unknown>
}

// biome-ignore lint/suspicious/noExplicitAny: a call of any types; methods make `unknown` invariant here
export type AnyCall<Service extends string = string> = CallType<Service, string, any, any, any, any, any, boolean>

/** What callers give. */
export type InputOfCall<C> = C extends CallType<string, string, infer In> ? In : never
/** What callers get. */
export type OutputOfCall<C> =
  // biome-ignore lint/suspicious/noExplicitAny: only one of them is asked for
  C extends CallType<string, string, any, any, any, infer Out, any, boolean> ? Out : never

export interface DeclaredError {
  /** HTTP status, 400–499. */
  readonly status: number
  /** JSON Schema of its data; undefined without data. */
  schema(): Record<string, unknown> | undefined
}

/** What a handler refused by a name that its contract declares. */
export class Refusal<Reason extends string = string, Data = unknown> extends SkerryError {
  /** `orders.place` */
  readonly call: string
  readonly reason: Reason
  readonly data: Data
  /** HTTP status, 400–499. */
  readonly status: number

  constructor(call: string, reason: Reason, data: Data, status: number) {
    super('refused', `${call}: ${reason}`)
    this.call = call
    this.reason = reason
    this.data = data
    this.status = status
  }
}

/** A call as a server hands it over. */
export interface Invocation {
  /** Its name in the contract. */
  readonly call: string
  /** As it came: it is checked here. */
  readonly input: unknown
  /** The service that calls, as far as the server knows. */
  readonly from?: string | undefined
  readonly key?: string | undefined
  /** How long the caller waits, in milliseconds. @default what the contract says */
  readonly deadlineMs?: number | undefined
  readonly attributes?: Attributes | undefined
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined
}

export const longestDeadlineMs = 60_000
const dayMs = 24 * 3_600_000
const errorName = /^[a-zA-Z][a-zA-Z0-9_-]{0,62}$/

/** Throws `invalid_config` naming what is wrong. */
export function callType<Service extends string>(service: Service, name: string, spec: AnyCallSpec): AnyCall<Service> {
  const label = `${service}.${name}`
  const { method, path } = routeOf(label, spec.http ?? `POST /${service}/${name}`)
  const readOnly = spec.readOnly ?? method === 'GET'
  if (method === 'GET' && !readOnly) refuse(label, 'GET changes nothing; use POST, or leave readOnly out')
  if (readOnly && spec.idempotent === false) refuse(label, 'what is read-only is idempotent')
  const senders = sendersOf(label, spec, readOnly)
  const errors = new Map(
    Object.entries<CallErrorSpec>(spec.errors ?? {}).map((one) => [one[0], declared(label, ...one)]),
  )
  const specOf = (reason: string): CallErrorSpec => (spec.errors as CallErrors)[reason] as CallErrorSpec
  return Object.freeze({
    kind: 'call' as const,
    service,
    name,
    label,
    method,
    path,
    readOnly,
    idempotent: readOnly || (spec.idempotent ?? false),
    deadlineMs: inRange(label, 'deadlineMs', spec.deadlineMs ?? 2000, 1, longestDeadlineMs),
    rememberMs: inRange(label, 'rememberMs', spec.rememberMs ?? dayMs, 60_000, 366 * dayMs),
    from: spec.from,
    senders,
    isSender: (name: string) => senders.includes(name),
    errors,
    take: (input: unknown) => validate(spec.input, input, label, 'invalid_request'),
    give: (output: unknown) => validate(spec.output, output, `${label}: what its handler returned`, 'failed'),
    refuse(reason: string, data?: unknown) {
      const known = errors.get(reason)
      if (!known) throw new SkerryError('failed', `${label}: its contract declares no error '${reason}'`)
      const schema = specOf(reason).data
      const checked = schema && validate(schema, data, `${label}: data of ${reason}`, 'failed')
      return new Refusal(label, reason, checked, known.status)
    },
    refused: (error: unknown, reason: string) =>
      error instanceof Refusal && error.call === label && error.reason === reason,
    inputSchema: () => jsonSchemaOf(spec.input, `${label}: input`),
    outputSchema: () => jsonSchemaOf(spec.output, `${label}: output`, 'output'),
  }) as unknown as AnyCall<Service>
}

function sendersOf(label: string, { senders = [], from }: AnyCallSpec, readOnly: boolean): readonly string[] {
  if (readOnly && senders.length > 0) refuse(label, 'what is read-only is not sent; leave senders out')
  if (senders.length > 0 && (label.includes('__') || label.endsWith('.reply')))
    refuse(label, "what is sent is not called 'reply', and has no two underscores in a row; choose another name")
  const stranger = senders.find((one: string) => from && !from.includes(one))
  if (stranger !== undefined) refuse(label, `'${stranger}' may send it, but is not among those who may call it (from)`)
  return senders
}

function declared(label: string, name: string, { status = 409, data }: CallErrorSpec): DeclaredError {
  if (!errorName.test(name)) refuse(label, `error '${name}': use letters, digits, '-' and '_', at most 63`)
  if (!Number.isInteger(status) || status < 400 || status > 499)
    refuse(label, `error '${name}': status ${status} is not within 400–499`)
  return { status, schema: () => data && jsonSchemaOf(data, `${label}: ${name}`, 'output') }
}

const routeShape = /^(GET|POST|PUT|PATCH|DELETE) ((?:\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+)$/

function routeOf(label: string, text: string): { readonly method: Method; readonly path: string } {
  const [, method, path] =
    routeShape.exec(text) ?? refuse(label, `http '${text}': write 'POST /orders' or 'GET /orders/{orderId}'`)
  const fields = fieldsOf(path as string)
  if (new Set(fields).size < fields.length) refuse(label, `http '${text}': a field stands there twice`)
  if (/\/\.{1,2}(\/|$)/.test(path as string)) refuse(label, `http '${text}': '.' and '..' are no names`)
  return { method: method as Method, path: path as string }
}

/** The fields of the input that a path holds. */
export const fieldsOf = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => field as string)

function inRange(label: string, what: string, value: number, low: number, high: number): number {
  return value >= low && value <= high ? value : refuse(label, `${what} ${value} is not within ${low}–${high}`)
}

function refuse(label: string, why: string): never {
  throw new SkerryError('invalid_config', `call '${label}': ${why}`)
}
