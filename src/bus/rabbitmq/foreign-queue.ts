import type { Channel, ConsumeMessage } from 'amqplib'
import { SkerryError } from '../../errors.ts'
import { type Clock, inTime } from '../../time.ts'
import { foreignMessage, type Incoming, type Intake, type QueuePlace, type Receiving } from '../foreign.ts'
import { keepReceiving } from '../receiving.ts'
import { explain, replyCode } from './failures.ts'
import type { Link } from './link.ts'
import { quorum } from './names.ts'

export interface QueueOptions {
  readonly link: Link
  readonly place: QueuePlace
  readonly intake: Intake
  readonly clock: Clock
}

/** Most messages handed out and not acknowledged, and most of one take. */
const prefetch = 256
const takenBytes = 4 * 1024 * 1024

const handBackMs = 2000

interface Session {
  readonly channel: Channel
  readonly waiting: ConsumeMessage[]
  over: boolean
}

/** Receives from a queue of others, for as long as it is not stopped: whatever happens to the server. */
export class QueueReceiving implements Receiving {
  readonly #options: QueueOptions
  readonly #running: Promise<void>
  #wake = (): void => {}

  constructor(options: QueueOptions) {
    this.#options = options
    options.intake.signal.addEventListener('abort', () => this.#wake(), { once: true })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    const { link, clock } = this.#options
    // Who waits for a connection need not wait any more; who has one acknowledges first what is in the store.
    if (!link.open) await link.close()
    await inTime(clock, handBackMs, this.#running)
    await link.close()
    await this.#running
  }

  get #ended(): boolean {
    return this.#options.intake.signal.aborted
  }

  async #run(): Promise<void> {
    const { clock, intake, link } = this.#options
    await keepReceiving({ intake, clock, explain: (error) => explain(error, link.shown) }, async (going) => {
      const session = await this.#open()
      going()
      await this.#pump(session)
    })
  }

  async #open(): Promise<Session> {
    const { link, place, intake } = this.#options
    await prepareQueue(link, place)
    const channel = await link.channel()
    try {
      await channel.prefetch(prefetch)
      const session: Session = { channel, waiting: [], over: false }
      channel.once('close', () => {
        session.over = true
        this.#wake()
      })
      await channel.consume(place.queue, (message) => {
        // The server takes a consumer away when its queue was deleted, or lost its leader.
        if (message) session.waiting.push(message)
        else session.over = true
        this.#wake()
      })
      return session
    } catch (error) {
      await channel.close().catch(() => {})
      throw intake.signal.aborted ? new SkerryError('closed', `${link.shown}: stopped`) : error
    }
  }

  /** Hands on what comes until the channel is gone; what is not acknowledged goes back to its place in the queue. */
  async #pump(session: Session): Promise<void> {
    const { intake, link, place } = this.#options
    try {
      while (!this.#ended && !session.over) {
        if (session.waiting.length === 0) {
          await new Promise<void>((resolve) => (this.#wake = resolve))
          continue
        }
        const messages = takeSome(session.waiting)
        await intake.take(messages.map(incomingOf))
        acknowledge(session, messages.at(-1) as ConsumeMessage)
      }
    } finally {
      await session.channel.close().catch(() => {})
    }
    if (session.over && !this.#ended)
      throw new SkerryError('unavailable', `${link.shown}: the channel to queue ${place.queue} ended`)
  }
}

function acknowledge(session: Session, last: ConsumeMessage): void {
  if (session.over) return
  try {
    session.channel.ack(last, true)
  } catch {
    // The channel has just ended: they come again, and are known.
  }
}

function takeSome(waiting: ConsumeMessage[]): ConsumeMessage[] {
  let bytes = 0
  let count = 0
  for (const message of waiting) {
    bytes += message.content.length
    if (count > 0 && (bytes > takenBytes || count >= prefetch)) break
    count++
  }
  return waiting.splice(0, count)
}

function incomingOf({ content, fields, properties }: ConsumeMessage): Incoming {
  const { messageId, contentType, timestamp }: Readonly<Record<string, unknown>> = { ...properties }
  return {
    message: foreignMessage({
      body: content,
      contentType: textOf(contentType),
      headers: headersOf(properties.headers ?? {}),
      key: fields.routingKey,
      messageId: textOf(messageId),
      place: '',
      // In seconds, by AMQP.
      time: typeof timestamp === 'number' ? timestamp * 1000 : 0,
    }),
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function headersOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(headers).map(([name, value]) => [
    name,
    Buffer.isBuffer(value) ? value.toString() : typeof value === 'object' ? JSON.stringify(value) : String(value),
  ])
  return Object.fromEntries(texts)
}

/** What is there is taken as it is: asked for on channels of their own, which the server ends when it is not there. */
async function prepareQueue(link: Link, { queue, bind }: QueuePlace): Promise<void> {
  if (!(await exists(link, (channel) => channel.checkQueue(queue)))) {
    if (!bind)
      throw new SkerryError(
        'not_found',
        `${link.shown}: there is no queue ${queue}; make it there, or say what to bind it to`,
      )
    await onChannel(link, (channel) => channel.assertQueue(queue, { durable: true, arguments: quorum }))
  }
  if (!bind) return
  const { exchange, routingKey = '', type } = bind
  if (!(await exists(link, (channel) => channel.checkExchange(exchange)))) {
    if (!type)
      throw new SkerryError(
        'not_found',
        `${link.shown}: there is no exchange ${exchange}; make it there, or say its type`,
      )
    await onChannel(link, (channel) => channel.assertExchange(exchange, type, { durable: true }))
  }
  await onChannel(link, (channel) => channel.bindQueue(queue, exchange, routingKey))
}

async function exists(link: Link, look: (channel: Channel) => Promise<unknown>): Promise<boolean> {
  try {
    await onChannel(link, look)
    return true
  } catch (error) {
    if (replyCode(error) === 404 || replyCode((error as Error).cause ?? error) === 404) return false
    throw error
  }
}

async function onChannel<T>(link: Link, work: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await link.channel()
  try {
    return await work(channel)
  } finally {
    await channel.close().catch(() => {})
  }
}
