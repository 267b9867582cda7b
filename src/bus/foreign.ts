import type { Clock } from '../time.ts'

/**
 * The port of foreign topics: queues, subjects, streams and topics of others, which speak no CloudEvents. An adapter
 * receives from them and sends to them, and nothing else: what a message means, which ones came before and what has to be
 * sent again is decided in the service's own store (`flow/foreign`).
 */

/** A message as it came. */
export interface ForeignMessage {
  readonly body: Uint8Array
  /** The body as UTF-8. */
  readonly text: string
  /** '' when nobody says. */
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  /** RabbitMQ's routing key, NATS's subject, Kafka's key; '' without one. */
  readonly key: string
  /** What its publisher called it: RabbitMQ's message-id, NATS's `Nats-Msg-Id`; '' without one. */
  readonly messageId: string
  /** Where a log has it, `stream/sequence` or `topic/partition/offset`; '' in a queue or on a subject. */
  readonly place: string
  /** When it was published, in milliseconds since 1970 UTC; 0 when nobody says. */
  readonly time: number
}

/** What an adapter makes a message of. */
export type MessageParts = Omit<ForeignMessage, 'text'>

export function foreignMessage(parts: MessageParts): ForeignMessage {
  let text: string | undefined
  return {
    ...parts,
    get text() {
      text ??= decoder.decode(parts.body)
      return text
    },
  }
}

const decoder = new TextDecoder()

export interface Incoming {
  readonly message: ForeignMessage
  /** Where the other side keeps a log that is read by offset: which part of it, and the offset of this message. */
  readonly offset?: { readonly part: string; readonly at: number }
}

/** Where messages go. */
export interface Intake {
  /** Aborts when nothing more is wanted. */
  readonly signal: AbortSignal
  /**
   * Resolves once all of them are in the store, known from before, or dead letters there: only then may the other side be told.
   * Waits while the store fails or has no room. Rejects with `closed` when nothing more is wanted.
   */
  take(messages: readonly Incoming[]): Promise<void>
  /** The next offset of each of these parts; absent for one that it never heard of. */
  places(parts: readonly string[]): Promise<Readonly<Record<string, number>>>
  /** Records where parts begin that have no place yet. */
  begin(places: Readonly<Record<string, number>>): Promise<void>
  /** The other side is away, or refuses; it is asked again after that long. */
  interrupted(error: unknown, retryInMs: number): void
  resumed(): void
}

export interface Receiving {
  /** Resolves when no `take` runs any more and the connection is closed. What was handed out and not taken is handed back. */
  stop(): Promise<void>
}

/** A message to be sent. */
export interface Outgoing {
  readonly body: Uint8Array
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  /** The event's id: RabbitMQ's message-id, and NATS's `Nats-Msg-Id`. */
  readonly id: string
  /** Routing key or subject of this one message; '' for that of the sink. */
  readonly to: string
  /** Kafka's key; '' for none. */
  readonly key: string
  readonly time: number
}

export interface Sending {
  /** Resolves once the other side has confirmed it. Rejects with `unavailable` when that does not come: it may have it. */
  send(message: Outgoing, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** An existing queue, or one of our own that is bound to an existing exchange. */
export interface QueuePlace {
  readonly queue: string
  /** Makes the queue where it is missing (durable, a quorum queue) and binds it. Without it the queue must be there. */
  readonly bind?: {
    readonly exchange: string
    /** @default '' */
    readonly routingKey?: string
    /** Makes the exchange where it is missing, durable. Without it the exchange must be there. */
    readonly type?: 'direct' | 'topic' | 'fanout'
  }
}

/** NATS without JetStream: what is published while nobody listens is gone. */
export interface SubjectPlace {
  /** May hold wildcards. */
  readonly subject: string
}

/** An existing stream of JetStream. */
export interface StreamPlace {
  readonly stream: string
  /** Only these; may hold wildcards. @default all */
  readonly filter?: string
  /** `start`: all that the stream still has; `now`: what comes after the first start. Counts at the first start only. */
  readonly from: 'start' | 'now'
  /** Name of the durable consumer there. @default `skerry-<service>-<source>` */
  readonly consumer?: string
}

/** An existing topic of Kafka. */
export interface TopicPlace {
  readonly topic: string
  /** `start`: all that the topic still has; `now`: what comes after the first start. Counts at the first start only. */
  readonly from: 'start' | 'now'
}

export type SourcePlace = QueuePlace | SubjectPlace | StreamPlace | TopicPlace

export interface ExchangeTarget {
  /** '' for the default exchange, whose routing keys are the names of queues. */
  readonly exchange: string
  /** @default '' */
  readonly routingKey?: string
  /** `wait`: a message that no queue wants is sent again until one does. `drop`: nobody listens, nobody misses it. @default 'wait' */
  readonly unroutable?: 'wait' | 'drop'
}

export interface SubjectTarget {
  readonly subject: string
  /** The stream of JetStream that must store it. Without one the server alone confirms, and keeps nothing. */
  readonly storedIn?: string
}

export interface TopicTarget {
  readonly topic: string
}

export type SinkPlace = ExchangeTarget | SubjectTarget | TopicTarget

/** What every adapter is opened with. */
export interface ForeignOptions<Place> {
  readonly url: string
  readonly place: Place
  /** `service/source`, for connections' names and messages. */
  readonly name: string
  readonly clock: Clock
}

/** One engine's foreign topics. Which kind of place an URL can have was checked when the service was declared. */
export interface ForeignAdapter {
  /** Begins at once, or as soon as the other side is there, and goes on until it is stopped. */
  receive(options: ForeignOptions<SourcePlace>, intake: Intake): Receiving
  send(options: ForeignOptions<SinkPlace>): Sending
}
