import type { ForeignMessage, SinkPlace, SourcePlace } from './bus/foreign.ts'
import type { AnyEvent, EventType } from './contract.ts'
import { messageOf, SkerryError } from './errors.ts'
import type { ReceivedEvent } from './flow/handler.ts'
import { type Place, placeOf } from './places.ts'

/** A foreign topic whose messages become events of the service's own contract. */
export type SourceOptions = SourceCommon & SourcePlace

interface SourceCommon {
  /** `amqp://…`, `nats://…` or `kafka://…`, with user and password where they are needed. */
  readonly url: string
  /**
   * What identifies a message, so that one which comes again is known. `message-id`: what its publisher called it;
   * `place`: where the stream or topic has it; `content`: key and body, so that equal messages are one; `delivery`: nothing, each
   * delivery is an event of its own (at least once); or a function. @default 'place' for streams and topics; queues and
   * subjects must say
   */
  readonly id?: Identity
  /** How long ids are kept, in milliseconds, 1 min–10 years: a message that is published again within that is known. @default 7 days */
  readonly rememberMs?: number
  /** What becomes of a message that no decoder takes. @default 'dead' */
  readonly otherwise?: 'dead' | 'ignore'
}

export type Identity = 'message-id' | 'place' | 'content' | 'delivery' | ((message: ForeignMessage) => string)

export interface Source<Own extends string> {
  readonly name: string
  /**
   * Adds a decoder: data for an event of the service's own, or undefined for a message that is another one's. They are asked
   * in this order, and must be pure: no time, no chance, no outside world. What throws, or does not fit the event's schema, is a
   * dead letter.
   */
  on<In, Out>(type: EventType<Own, string, In, Out>, decode: (message: ForeignMessage) => In | undefined): Source<Own>
}

export interface SourceDefinition {
  readonly name: string
  readonly options: SourceOptions
  readonly decoders: ReadonlyMap<string, Decoder>
}

export interface Decoder {
  readonly type: AnyEvent
  readonly decode: (message: ForeignMessage) => unknown
}

/** Where a sink sends to. */
export type SinkTarget = { readonly url: string } & SinkPlace

export interface Sink {
  readonly name: string
  /** Adds the encoder for one event type: text, bytes or a whole message; undefined for an event that is not to be sent. */
  on<In, Out>(
    type: EventType<string, string, In, Out>,
    encode: (event: ReceivedEvent<Out>) => SinkMessage | string | Uint8Array | undefined,
  ): Sink
}

export interface SinkMessage {
  readonly body: string | Uint8Array
  /** @default 'application/json', or 'application/octet-stream' for bytes */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Routing key or subject of this one message. @default the sink's */
  readonly to?: string
  /** Kafka's key. @default the event's */
  readonly key?: string
}

export interface SinkDefinition {
  readonly target: SinkTarget
  readonly encoders: ReadonlyMap<string, (event: ReceivedEvent) => SinkMessage | string | Uint8Array | undefined>
}

export type ForeignEngine = 'rabbitmq' | 'nats' | 'kafka'

/** Which word tells which kind of place, for each engine. */
const sourceWords = { queue: 'rabbitmq', subject: 'nats', stream: 'nats', topic: 'kafka' } as const
const sinkWords = { exchange: 'rabbitmq', subject: 'nats', topic: 'kafka' } as const

/** The place that a source or a sink names, checked. Throws `invalid_config` naming what is wrong. */
export function foreignPlace(label: string, { url, ...place }: SourceOptions | SinkTarget): Place<ForeignEngine> {
  const words: Readonly<Record<string, ForeignEngine>> = 'exchange' in place ? sinkWords : sourceWords
  const named = Object.keys(words).filter((word) => word in place)
  const word = named[0]
  if (word === undefined || named.length > 1)
    throw wrong(label, `name one of ${Object.keys({ ...sourceWords, ...sinkWords }).join(', ')}`)
  const at = placeFrom(label, url)
  if (at.engine !== words[word]) throw wrong(label, `there is no ${word} at ${at.shown}`)
  const name = (place as Readonly<Record<string, unknown>>)[word]
  if (typeof name !== 'string' || (name === '' && word !== 'exchange')) throw wrong(label, `its ${word} has no name`)
  return at as Place<ForeignEngine>
}

/** Every place that a service names. */
export function foreignPlaces({ name, sources, subscriptions }: Naming): Place<ForeignEngine>[] {
  return [
    ...[...sources.values()].map((one) => foreignPlace(`${name}/${one.name}`, one.options)),
    ...[...subscriptions.values()].flatMap((one) =>
      one.sink ? foreignPlace(`${name}/${one.name}`, one.sink.target) : [],
    ),
  ]
}

/** What is asked of a service. */
export interface Naming {
  readonly name: string
  readonly sources: ReadonlyMap<string, SourceDefinition>
  readonly subscriptions: ReadonlyMap<string, { readonly name: string; readonly sink?: SinkDefinition }>
}

function placeFrom(label: string, url: string): Place {
  if (typeof url !== 'string' || url === '') throw wrong(label, 'it has no url')
  try {
    return placeOf('bus', url, '')
  } catch (error) {
    throw wrong(label, `its url leads nowhere: ${messageOf(error)}`)
  }
}

export const defaultRememberMs = 7 * 24 * 3_600_000

/** A source and the builder that fills it. Throws `invalid_config`. */
export function declareSource<Own extends string>(
  label: string,
  name: string,
  options: SourceOptions,
): { definition: SourceDefinition; builder: Source<Own> } {
  foreignPlace(label, options)
  identityOf(label, options)
  const { rememberMs = defaultRememberMs } = options
  if (!(rememberMs >= 60_000 && rememberMs <= 315_360_000_000))
    throw wrong(label, `rememberMs ${rememberMs} is not within a minute and ten years`)
  const decoders = new Map<string, Decoder>()
  const builder: Source<Own> = {
    name,
    on(type, decode) {
      if (decoders.has(type.label)) throw wrong(label, `two decoders for ${type.label}; make them one`)
      decoders.set(type.label, { type, decode })
      return builder
    },
  }
  return { definition: { name, options, decoders }, builder }
}

/** How messages of a source are told apart. Throws `invalid_config` where nothing says. */
export function identityOf(label: string, { id, ...place }: SourceOptions): Identity {
  const logged = 'stream' in place || 'topic' in place
  if (id === undefined && !logged)
    throw wrong(label, "say what identifies a message: id: 'message-id', 'content', 'delivery' or a function")
  if (id === 'place' && !logged) throw wrong(label, 'a queue or a subject has no places; choose another id')
  return id ?? 'place'
}

/** What a person is told about where a source or a sink is. */
export function describePlace(options: SourceOptions | SinkTarget): string {
  const { shown } = placeOf('bus', options.url, '')
  if ('queue' in options) {
    const { bind } = options
    const bound = bind ? `, bound to exchange ${bind.exchange} by '${bind.routingKey ?? ''}'` : ''
    return `queue ${options.queue}${bound}, at ${shown}`
  }
  if ('exchange' in options)
    return `exchange ${options.exchange || '(default)'} by '${options.routingKey ?? ''}', at ${shown}`
  if ('stream' in options) return `stream ${options.stream}${options.filter ? ` (${options.filter})` : ''}, at ${shown}`
  if ('topic' in options) return `topic ${options.topic}, at ${shown}`
  const stored = 'storedIn' in options && options.storedIn ? `, stored in ${options.storedIn}` : ''
  return `subject ${options.subject}${stored}, at ${shown}`
}

const wrong = (label: string, why: string): SkerryError => new SkerryError('invalid_config', `${label}: ${why}`)
