import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
} from '@nats-io/jetstream'
import { SkerryError } from '../../errors.ts'
import type { Clock } from '../../time.ts'
import { foreignMessage, type Incoming, type Intake, type Receiving, type StreamPlace } from '../foreign.ts'
import { keepReceiving } from '../receiving.ts'
import { explain, isMissingConsumer, isMissingStream } from './failures.ts'
import { foreignHeaders, messageIdHeader } from './foreign-headers.ts'
import type { Link } from './link.ts'
import { manager } from './log.ts'

export interface StreamOptions {
  readonly dial: () => Promise<Link>
  readonly place: StreamPlace
  /** Name of the durable consumer, unless the place has one. */
  readonly consumer: string
  readonly intake: Intake
  readonly clock: Clock
  readonly where: string
}

/** Most messages of one fetch, and so of one take. */
const atOnce = 256
/** How long the server holds a fetch that has nothing to give, in milliseconds. */
const expiresMs = 5000
/** What is not acknowledged within this comes again, in nanoseconds. */
const ackWaitNs = 30_000_000_000

/** Receives from a stream of others, through a durable consumer there: what is not acknowledged comes again. */
export class StreamReceiving implements Receiving {
  readonly #options: StreamOptions
  readonly #running: Promise<void>
  #link: Link | undefined
  #fetching: ConsumerMessages | undefined

  constructor(options: StreamOptions) {
    this.#options = options
    options.intake.signal.addEventListener('abort', () => this.#fetching?.stop(), { once: true })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    await this.#running
    await this.#link?.close()
  }

  async #run(): Promise<void> {
    const { clock, intake, where } = this.#options
    await keepReceiving({ intake, clock, explain: (error) => explain(error, where) }, async (going) => {
      const consumer = await this.#consumer()
      going()
      while (!intake.signal.aborted) await this.#fetch(consumer)
    })
  }

  /** The durable consumer, made where it is missing. */
  async #consumer(): Promise<Consumer> {
    const { dial, place, where } = this.#options
    this.#link ??= await dial()
    const link = this.#link
    const jsm = await manager(link)
    const name = place.consumer ?? this.#options.consumer
    try {
      const known = await link.once(() => jsm.consumers.info(place.stream, name)).catch(unlessMissing)
      if (known) this.#mustFit(name, known.config.filter_subject)
      else await link.once(() => jsm.consumers.add(place.stream, durable(name, place)))
    } catch (cause) {
      if (!isMissingStream(cause)) throw cause
      throw new SkerryError('not_found', `${where}: there is no stream ${place.stream}; make it there`, { cause })
    }
    return jsm.jetstream().consumers.get(place.stream, name)
  }

  #mustFit(name: string, filter = ''): void {
    const { place, where } = this.#options
    if (filter === (place.filter ?? '')) return
    throw new SkerryError(
      'invalid_config',
      `${where}: consumer ${name} of ${place.stream} filters by '${filter}', not by '${place.filter ?? ''}'; ` +
        'give the source a consumer of another name, or delete that one',
    )
  }

  /** Takes as much as is there while the store is busy: the more comes, the larger the takes. */
  async #fetch(consumer: Consumer): Promise<void> {
    const { intake } = this.#options
    const link = this.#link as Link
    const fetching = await link.once(() => consumer.fetch({ max_messages: atOnce, expires: expiresMs }))
    this.#fetching = fetching
    if (intake.signal.aborted) fetching.stop()
    const waiting: JsMsg[] = []
    let taking: Promise<void> = Promise.resolve()
    const failed = new AbortController()
    const takeOn = async (): Promise<void> => {
      while (waiting.length > 0 && !failed.signal.aborted) {
        const messages = waiting.splice(0)
        await intake.take(messages.map(incomingOf))
        for (const message of messages) message.ack()
      }
    }
    let running = false
    for await (const message of fetching) {
      waiting.push(message)
      if (running) continue
      running = true
      taking = takeOn().finally(() => {
        running = false
      })
      taking.catch(() => {
        failed.abort()
        fetching.stop()
      })
    }
    await taking
    await takeOn()
    if (link.away) throw new SkerryError('unavailable', `${link.where}: the connection is interrupted`)
  }
}

const durable = (name: string, { from, filter }: StreamPlace): Partial<ConsumerConfig> => ({
  durable_name: name,
  ack_policy: AckPolicy.Explicit,
  deliver_policy: from === 'start' ? DeliverPolicy.All : DeliverPolicy.New,
  ack_wait: ackWaitNs,
  max_deliver: -1,
  ...(filter !== undefined && { filter_subject: filter }),
})

function unlessMissing(error: unknown): undefined {
  if (!isMissingConsumer(error)) throw error
}

function incomingOf(message: JsMsg): Incoming {
  const { stream, streamSequence } = message.info
  return {
    message: foreignMessage({
      body: message.data,
      contentType: message.headers?.get('Content-Type') ?? '',
      headers: foreignHeaders(message.headers),
      key: message.subject,
      messageId: message.headers?.get(messageIdHeader) ?? '',
      place: `${stream}/${streamSequence}`,
      time: message.time.getTime(),
    }),
  }
}
