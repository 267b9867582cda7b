import type { ConfirmChannel } from 'amqplib'
import { messageOf, SkerryError } from '../../errors.ts'
import { type Clock, inTime } from '../../time.ts'
import type { Batch } from '../bus.ts'
import { explain } from './failures.ts'
import type { Link } from './link.ts'

export interface PublishingOptions {
  readonly link: Link
  readonly exchange: string
  readonly clock: Clock
  /** Longest wait for a connection, for room and for a confirmation, in milliseconds each. */
  readonly timeoutMs: number
}

/** Most text that waits to be confirmed. */
const pendingLimit = 64 * 1024 * 1024

/** Producers whose numbers are remembered: those before them are taken at their word. */
const rememberedProducers = 10_000

/** One producer's line: one batch at a time, so that order and numbers have no gaps whatever fails. */
interface Line {
  last: Promise<unknown>
  /** The highest number confirmed here. */
  confirmed: number
  /** Counts failures: what stood in line behind one has a gap before it. */
  failures: number
}

/** Sends batches, each as one message, and waits for the server to say that every queue has it on disk. */
export class Publishing {
  readonly #options: PublishingOptions
  readonly #lines = new Map<string, Line>()
  readonly #running = new Set<Promise<void>>()
  #pending = 0
  #channel: Promise<Session> | undefined
  /** Monotonic time of the latest confirmation. */
  #heard = 0

  constructor(options: PublishingOptions) {
    this.#options = options
  }

  append(batch: Batch): Promise<void> {
    const size = batch.frame.length
    if (this.#pending + size > pendingLimit && this.#pending > 0)
      return Promise.reject(
        new SkerryError('overloaded', `${this.#options.link.shown}: ${this.#pending} bytes wait already`),
      )
    const line = this.#line(batch.producer)
    this.#pending += size
    const { failures } = line
    const sent = line.last.then(() => this.#inTurn(line, failures, batch))
    line.last = sent.catch(() => {
      line.failures++
    })
    const running = sent.finally(() => {
      this.#pending -= size
      this.#running.delete(running)
    })
    this.#running.add(running)
    return running
  }

  /** Resolves when every batch that was begun has its answer. */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  async close(): Promise<void> {
    const session = await this.#channel?.catch(() => undefined)
    await session?.channel.close().catch(() => {})
  }

  #line(producer: string): Line {
    const line = this.#lines.get(producer) ?? { last: Promise.resolve(), confirmed: 0, failures: 0 }
    // The one used last is the last to be forgotten.
    this.#lines.delete(producer)
    this.#lines.set(producer, line)
    if (this.#lines.size > rememberedProducers) this.#lines.delete(this.#lines.keys().next().value as string)
    return line
  }

  async #inTurn(line: Line, failures: number, { producer, after, first, count, ...rest }: Batch): Promise<void> {
    if (line.failures > failures)
      throw new SkerryError('conflict', `${producer}: what stood before number ${first} failed; begin again from there`)
    const last = first + count - 1
    if (last <= line.confirmed) return
    await this.#mayPublish()
    await this.#send({ producer, after, first, count, ...rest })
    line.confirmed = Math.max(line.confirmed, last)
  }

  async #mayPublish(): Promise<void> {
    const { link, timeoutMs } = this.#options
    if (await link.unblocked(timeoutMs)) return
    throw new SkerryError(
      'overloaded',
      `${link.shown} takes nothing now: ${link.blocked ?? 'an alarm'}; free disk or memory there`,
    )
  }

  async #send(batch: Batch): Promise<void> {
    const { link, exchange, clock, timeoutMs } = this.#options
    const session = await this.#session()
    const since = clock.monotonic()
    const confirmed = publish(session.channel, exchange, batch)
    confirmed.catch(() => {})
    const answered = Promise.race([confirmed, session.ended]).then(() => {
      this.#heard = clock.monotonic()
    })
    answered.catch(() => {})
    try {
      if (await inTime(clock, timeoutMs, answered)) return
    } catch (error) {
      throw explain(error, link.shown)
    }
    // Nobody else was answered either: the connection is dead, though nobody says so.
    if (this.#heard < since && link.blocked === undefined) link.drop('no confirmation came')
    throw new SkerryError(
      'unavailable',
      `${link.shown} has not confirmed within ${timeoutMs} ms; it may have the events`,
    )
  }

  async #session(): Promise<Session> {
    this.#channel ??= this.#open()
    try {
      return await this.#channel
    } catch (error) {
      this.#channel = undefined
      throw error
    }
  }

  async #open(): Promise<Session> {
    const { link, exchange } = this.#options
    const channel = await link.confirmChannel()
    const ended = new Promise<never>((_, reject) =>
      channel.once('close', () => {
        this.#channel = undefined
        reject(new SkerryError('unavailable', `${link.shown}: the connection ended before a confirmation came`))
      }),
    )
    ended.catch(() => {})
    await channel.assertExchange(exchange, 'direct', { durable: true })
    return { channel, ended }
  }
}

interface Session {
  readonly channel: ConfirmChannel
  /** Rejects when the channel is gone. */
  readonly ended: Promise<never>
}

/** What the client library says of a refusal; its other errors tell that the channel ended, which the session tells, too. */
const nacked = 'message nacked'

/** Resolves when all queues that want it have it. One that nobody wants is fine, too: nobody subscribed. */
function publish(channel: ConfirmChannel, exchange: string, batch: Batch): Promise<void> {
  const { stream, producer, after, first, count, frame } = batch
  return new Promise((resolve, reject) => {
    const done = (error: unknown): void => {
      if (error === null || error === undefined) resolve()
      // Some queue may have it, and another not: the outcome is unknown, so this must not be `overloaded`.
      else if (messageOf(error) === nacked)
        reject(new SkerryError('unavailable', `${stream}: a queue is full, or its leader away`, { cause: error }))
    }
    const headers = { producer, after, first, count }
    const options = { persistent: true, contentType: 'text/x-skerry-frame', headers }
    channel.publish(exchange, stream, Buffer.from(frame), options, done)
  })
}
