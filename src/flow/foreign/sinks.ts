import type { Outgoing, Sending } from '../../bus/foreign.ts'
import { codeOf, messageOf, SkerryError } from '../../errors.ts'
import type { SinkDefinition, SinkMessage } from '../../foreign.ts'
import type { AnyService, SubscriptionDefinition } from '../../service.ts'
import type { Handler, ReceivedEvent } from '../handler.ts'
import type { Topics } from './topics.ts'
import { eventHeader, senderHeader } from './translate.ts'

/** A service whose sinks send, and the connections that they send over. */
export interface BoundSinks {
  readonly service: AnyService
  close(): Promise<void>
}

/**
 * Turns sinks into subscriptions whose first step sends and waits for the confirmation; so they are retried, keep order and open
 * their circuit like everybody else who needs the outside world. `sender` is the identity of the store.
 */
export function bindSinks(service: AnyService, topics: Topics, sender: string): BoundSinks {
  const open: Sending[] = []
  const subscriptions = new Map<string, SubscriptionDefinition>()
  for (const [name, definition] of service.subscriptions) {
    const { sink } = definition
    if (!sink) {
      subscriptions.set(name, definition)
      continue
    }
    const label = `${service.name}/${name}`
    const sending = topics.send(sink.target, label)
    open.push(sending)
    const handlers = [...definition.handlers].map(
      ([key, { type }]) => [key, { type, handler: handlerOf(label, key, sink, sending, sender) }] as const,
    )
    subscriptions.set(name, { ...definition, handlers: new Map(handlers) })
  }
  return {
    service: open.length > 0 ? { ...service, subscriptions } : service,
    async close() {
      await Promise.all(open.map((one) => one.close()))
    },
  }
}

function handlerOf(label: string, key: string, sink: SinkDefinition, sending: Sending, sender: string): Handler {
  const encode = sink.encoders.get(key)
  return {
    async prepare(ctx, event) {
      const encoded = encode?.(event)
      if (encoded === undefined) return
      const message = outgoing(label, encoded, event, sender)
      await ctx.outside('send', (signal) => sending.send(message, signal).catch(notTheEvents))
    },
    handle: () => {},
  }
}

/**
 * Who is refused over there, for its password or its certificate, is refused with every event: none is to blame, and the
 * subscription's circuit waits for better times.
 */
function notTheEvents(error: unknown): never {
  if (codeOf(error) !== 'unauthorized') throw error
  throw new SkerryError('unavailable', messageOf(error), { cause: error })
}

/** Throws `terminal` for what is no message: a retry would give the same. */
export function outgoing(
  label: string,
  encoded: SinkMessage | string | Uint8Array,
  event: ReceivedEvent,
  sender: string,
): Outgoing {
  const message: SinkMessage =
    typeof encoded === 'string' || encoded instanceof Uint8Array ? { body: encoded } : encoded
  const { body, headers = {}, to = '', key = event.key } = message
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    throw new SkerryError('terminal', `${label}: its encoder gave no message: neither text nor bytes`)
  const { traceparent } = event.attributes
  return {
    body: typeof body === 'string' ? Buffer.from(body) : body,
    contentType: message.contentType ?? (typeof body === 'string' ? 'application/json' : 'application/octet-stream'),
    headers: {
      ...(typeof traceparent === 'string' && { traceparent }),
      ...headers,
      [eventHeader]: event.id,
      [senderHeader]: sender,
    },
    id: event.id,
    to,
    key,
    time: event.time.getTime(),
  }
}
