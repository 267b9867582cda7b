import { type AnyCall, Refusal } from './call.ts'
import type { AnyEvent } from './contract.ts'
import { messageOf, SkerryError } from './errors.ts'
import { replySuffix } from './flow/carried.ts'
import type { CallHandler, CallRequest, HandleContext, Handler, ReceivedEvent } from './flow/handler.ts'
import type { Output } from './schema.ts'

/**
 * Durable calls: a request is an event of the service that sends it, a reply one of the service that answers. Both travel as any
 * event does; nothing but their names tells them from what contracts declare, whose events hold no two underscores in a row.
 */

/** The subscription by which a service gets what is sent to it. */
export const durableCalls = 'durable_calls'

/** What a durable call came to. The handler gets it as an event, with the key of the call. */
export type Reply<Out = unknown, Errors = unknown> = {
  /** What `send` gave. */
  readonly request: string
} & (
  | { readonly kind: 'answered'; readonly output: Out }
  | { [K in keyof Errors & string]: Refused<K, DataOfRefusal<Errors[K]>> }[keyof Errors & string]
  /** What was sent does not fit the schema of the service that answers. */
  | { readonly kind: 'invalid'; readonly message: string }
)

interface Refused<Reason extends string, Data> {
  readonly kind: 'refused'
  readonly reason: Reason
  readonly data: Data
}

type DataOfRefusal<E> = E extends { readonly data: infer S } ? Output<S> : undefined

/** A reply on its way: everybody who reads the stream of the service that answers sees whom it is for. */
interface Addressed {
  readonly request: string
  readonly to: string
}

/** Throws `invalid_config` for a service that the contract does not let send. */
export function refuseStranger(type: AnyCall, name: string): void {
  if (type.senders.includes(name)) return
  throw new SkerryError('invalid_config', `${type.label}: its contract does not let ${name} send it (senders)`)
}

/** The event by which `sender` asks. Its data is the input; it is checked when it is sent, and where it is answered. */
export function requestEvent(type: AnyCall, sender: string, key = ''): AnyEvent {
  const name = `${type.service}__${type.name}`
  return carrier(sender, name, key, type.inputSchema, (input) => {
    type.take(input)
    return input
  })
}

/** The event that answers; as `to` gets it. */
export function replyEvent(type: AnyCall, to: string, key = ''): AnyEvent {
  const schema = (): Record<string, unknown> => replySchema(type, to)
  return carrier(type.service, `${type.name}${replySuffix}`, key, schema, (data) => {
    if (isReply(type, to, data)) return data
    throw new SkerryError('invalid_event', `${type.label}: this is no reply for ${to}`)
  })
}

/** Its output was checked when it was given, and may be something else by that. */
function isReply(type: AnyCall, to: string, data: unknown): boolean {
  const { kind, ...rest } = data as Addressed & Record<string, unknown>
  if (rest.to !== to || typeof rest.request !== 'string') return false
  if (kind === 'answered') return 'output' in rest
  return kind === 'refused' ? type.errors.has(rest.reason as string) : kind === 'invalid' && 'message' in rest
}

function carrier(
  service: string,
  name: string,
  key: string,
  jsonSchema: () => Record<string, unknown>,
  parse: (data: unknown) => unknown,
): AnyEvent {
  return Object.freeze({
    ...{ kind: 'event' as const, service, name, version: 1, label: `${service}.${name}`, once: undefined },
    knows: (version: number) => version === 1,
    ...{ parse, keyOf: () => key, jsonSchema },
    read(version: number, data: unknown) {
      if (version === 1) return data
      throw new SkerryError('unknown_version', `${service}.${name}: version ${version} is not known here`)
    },
  })
}

function replySchema(type: AnyCall, to: string): Record<string, unknown> {
  const one = (kind: string, fields: Record<string, unknown>): Record<string, unknown> => {
    const properties = { request: { type: 'string' }, to: { const: to }, kind: { const: kind }, ...fields }
    return { type: 'object', properties, required: Object.keys(properties) }
  }
  const refusals = [...type.errors].map(([reason, declared]) => {
    const data = declared.schema()
    return one('refused', { reason: { const: reason }, ...(data && { data }) })
  })
  const invalid = one('invalid', { message: { type: 'string' } })
  return { anyOf: [one('answered', { output: type.outputSchema() }), ...refusals, invalid] }
}

/** What was sent does not fit: told to the sender, since trying again is of no use. */
class Unfit extends SkerryError {}

/** The handler of a call as one of the events by which it is sent: state, events and reply are one transaction. */
export function answering(type: AnyCall, handler: CallHandler): Handler {
  const { prepare, handle } = handler
  return {
    written: handler,
    ...(prepare && { prepare: (ctx, event) => prepare(ctx, requestOf(type, event)) }),
    async handle(tx, event, prepared) {
      const output = type.give(await handle(tx as never, requestOf(type, event), prepared))
      await reply(tx, type, event, { kind: 'answered', output })
    },
    instead(error) {
      if (error instanceof Unfit)
        return (tx, event) => reply(tx, type, event, { kind: 'invalid', message: messageOf(error) })
      if (!(error instanceof Refusal && error.call === type.label)) return undefined
      const { reason, data } = error
      return (tx, event) => reply(tx, type, event, { kind: 'refused', reason, data })
    },
  }
}

async function reply(tx: HandleContext, type: AnyCall, event: ReceivedEvent, outcome: object): Promise<void> {
  const addressed: Addressed = { request: event.id, to: event.source, ...outcome }
  await tx.publish(replyEvent(type, event.source, event.key), addressed as never)
}

/** Nobody gives up waiting for what is sent. */
const never = 8.64e15

function requestOf(type: AnyCall, event: ReceivedEvent): CallRequest {
  const { id, source, time, attributes } = event
  return { ...{ id, from: source, key: id, time, attributes }, input: taken(), deadline: new Date(never) }

  function taken(): unknown {
    try {
      return type.take(event.data)
    } catch (cause) {
      throw new Unfit('invalid_request', messageOf(cause), { cause })
    }
  }
}

/** A handler of replies leaves those that are for somebody else. */
export function repliesTo(own: string, handler: Handler): Handler {
  const { prepare, handle } = handler
  const ours = ({ data }: ReceivedEvent): boolean => (data as Addressed).to === own
  return {
    written: handler.written ?? handler,
    ...(prepare && { prepare: (ctx, event) => (ours(event) ? prepare(ctx, event) : undefined) }),
    handle: (tx, event, prepared) => (ours(event) ? handle(tx, event, prepared) : undefined),
  }
}
