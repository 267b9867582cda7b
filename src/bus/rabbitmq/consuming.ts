import type { Channel, ConsumeMessage } from 'amqplib'
import { codeOf, SkerryError } from '../../errors.ts'
import { type Clock, pause } from '../../time.ts'
import type { Consumer, Consuming, Parcel, Sink } from '../bus.ts'
import { explain } from './failures.ts'
import type { Link } from './link.ts'
import { type Names, quorum } from './names.ts'

export interface ConsumingOptions {
  readonly link: Link
  readonly names: Names
  readonly clock: Clock
  readonly consumer: Consumer
  readonly sink: Sink
  readonly maxBytes: number | undefined
  /** Longest time that the first try may take, in milliseconds. */
  readonly timeoutMs: number
}

/** Most messages handed out and not acknowledged; most of a store's transaction. Frames are rarely above 256 KiB. */
const prefetch = 32
const takenAtOnce = { messages: prefetch, bytes: 2 * 1024 * 1024 }

const firstRetryMs = 50
const longestRetryMs = 5000

/** What is left of a channel that a consumer has. */
interface Session {
  readonly channel: Channel
  readonly queue: string
  readonly waiting: ConsumeMessage[]
  /** Handed out and not yet acknowledged. */
  open: number
  over: boolean
}

/** Feeds one store from its queue, for as long as it is not stopped: whatever happens to the server. */
export class QueueConsuming implements Consuming {
  readonly #options: ConsumingOptions
  readonly #abort = new AbortController()
  #session: Session | undefined
  #wake = (): void => {}
  #running: Promise<void> | undefined

  constructor(options: ConsumingOptions) {
    this.#options = options
  }

  /** Resolves once the queue is there and bound: what is published from now on arrives. */
  async start(): Promise<void> {
    this.#session = await this.#first()
    this.#running = this.#run(this.#session)
  }

  /** Several processes that declare one new queue at once may make the server end a connection with an internal error. */
  async #first(): Promise<Session> {
    const { clock, timeoutMs } = this.#options
    const until = clock.monotonic() + timeoutMs
    for (;;) {
      try {
        return await this.#open()
      } catch (error) {
        if (codeOf(error) !== 'unavailable' || clock.monotonic() > until) throw error
      }
      await pause(clock, firstRetryMs)
    }
  }

  async behind(): Promise<number> {
    const session = this.#session
    if (!session || session.over) return Number.POSITIVE_INFINITY
    try {
      // Asked twice: what had been handed out before the first answer comes before the second one.
      await session.channel.checkQueue(session.queue)
      const { messageCount } = await session.channel.checkQueue(session.queue)
      return messageCount + session.open
    } catch {
      return Number.POSITIVE_INFINITY
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.#wake()
    await this.#running
    // What was handed out and not taken goes back to the front of the queue.
    await this.#session?.channel.close().catch(() => {})
  }

  async #run(first: Session): Promise<void> {
    let session: Session | undefined = first
    for (let waitMs = firstRetryMs; !this.#abort.signal.aborted; waitMs = Math.min(longestRetryMs, waitMs * 2)) {
      if (session) {
        await this.#pump(session)
        if (this.#abort.signal.aborted) return
        waitMs = firstRetryMs
      }
      session = await this.#again(waitMs)
    }
  }

  async #again(waitMs: number): Promise<Session | undefined> {
    const { sink, clock, link } = this.#options
    try {
      const session = await this.#open()
      this.#session = session
      sink.resumed()
      return session
    } catch (error) {
      if (codeOf(error) === 'closed') this.#abort.abort()
      else sink.interrupted(explain(error, link.shown), waitMs)
      await pause(clock, waitMs, this.#abort.signal)
      return undefined
    }
  }

  async #open(): Promise<Session> {
    const { link, names, consumer, maxBytes } = this.#options
    const channel = await link.channel()
    try {
      const queue = names.inbox(consumer.service, consumer.store)
      await channel.assertExchange(names.events, 'direct', { durable: true })
      await channel.assertQueue(queue, { durable: true, arguments: queueArguments(maxBytes) })
      for (const stream of Object.keys(consumer.streams)) await channel.bindQueue(queue, names.events, stream)
      await channel.prefetch(prefetch)
      const session: Session = { channel, queue, waiting: [], open: 0, over: false }
      channel.once('close', () => this.#end(session))
      await channel.consume(queue, (message) => this.#received(session, message))
      return session
    } catch (error) {
      await channel.close().catch(() => {})
      throw explain(error, link.shown)
    }
  }

  #received(session: Session, message: ConsumeMessage | null): void {
    if (message) {
      session.open++
      session.waiting.push(message)
    } else {
      // The server took the consumer away: its queue was deleted, or lost its leader. All is declared anew.
      session.channel.close().catch(() => {})
      this.#end(session)
    }
    this.#wake()
  }

  #end(session: Session): void {
    session.over = true
    this.#wake()
  }

  /** Hands on what comes, until the channel is gone. */
  async #pump(session: Session): Promise<void> {
    const { clock, sink, link } = this.#options
    let waitMs = firstRetryMs
    while (!this.#abort.signal.aborted && !session.over) {
      if (session.waiting.length === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      const messages = takeSome(session.waiting)
      try {
        await this.#take(session, messages)
        if (waitMs > firstRetryMs) sink.resumed()
        waitMs = firstRetryMs
      } catch (error) {
        if (codeOf(error) === 'closed') return this.#abort.abort()
        sink.interrupted(error, waitMs)
        session.waiting.unshift(...messages)
        await pause(clock, waitMs, this.#abort.signal)
        waitMs = Math.min(longestRetryMs, waitMs * 2)
      }
    }
    if (session.over && !this.#abort.signal.aborted)
      sink.interrupted(
        new SkerryError('unavailable', `${link.shown}: the channel of ${session.queue} ended`),
        firstRetryMs,
      )
  }

  async #take(session: Session, messages: readonly ConsumeMessage[]): Promise<void> {
    const { sink } = this.#options
    const parcels: Parcel[] = []
    for (const message of messages) {
      const parcel = parcelOf(message, session.queue)
      if (parcel) parcels.push(parcel)
      else
        sink.interrupted(
          new SkerryError('invalid_event', `${session.queue}: a message that no publisher of ours sent is passed over`),
          0,
        )
    }
    if (parcels.length > 0) await sink.take(parcels)
    session.open -= messages.length
    if (session.over) return
    try {
      session.channel.ack(messages.at(-1) as ConsumeMessage, true)
    } catch {
      // The channel has just ended: they come again, and are known.
    }
  }
}

function queueArguments(maxBytes: number | undefined): Record<string, unknown> {
  // One process at a time is fed, so that the order of the queue is the order of arrival; another one takes over.
  const base = { ...quorum, 'x-single-active-consumer': true }
  return maxBytes === undefined ? base : { ...base, 'x-max-length-bytes': maxBytes, 'x-overflow': 'reject-publish' }
}

function takeSome(waiting: ConsumeMessage[]): ConsumeMessage[] {
  let bytes = 0
  let count = 0
  for (const message of waiting) {
    bytes += message.content.length
    if (count > 0 && (bytes > takenAtOnce.bytes || count >= takenAtOnce.messages)) break
    count++
  }
  return waiting.splice(0, count)
}

/** Undefined for a message that is none of ours. */
function parcelOf(message: ConsumeMessage, queue: string): Parcel | undefined {
  const { headers } = message.properties
  const { producer, after, first, count } = headers ?? {}
  if (typeof producer !== 'string' || ![after, first, count].every(Number.isSafeInteger) || count < 1) return undefined
  const numbers = Array.from({ length: count as number }, (_, i) => (first as number) + i)
  const frame = message.content.toString()
  if (frame.split('\n', count * 2 + 2).length !== count * 2 + 1) return undefined
  return { stream: message.fields.routingKey, source: queue, producer, after, numbers, frame }
}
