import type { ConfirmChannel } from 'amqplib'
import { SkerryError } from '../../errors.ts'
import { type Clock, inTime } from '../../time.ts'
import type { ExchangeTarget, Outgoing, Sending } from '../foreign.ts'
import { explain } from './failures.ts'
import type { Link } from './link.ts'

export interface ExchangeOptions {
  readonly link: Link
  readonly target: ExchangeTarget
  readonly clock: Clock
  /** Longest wait for room and for a confirmation, in milliseconds each. */
  readonly timeoutMs: number
}

interface Session {
  readonly channel: ConfirmChannel
  /** Rejects when the channel is gone. */
  readonly ended: Promise<never>
  /** Ids of messages that came back, since no queue wants them: before their confirmation. */
  readonly returned: Set<string>
}

/** Sends to an exchange of others, each message confirmed. */
export class ExchangeSending implements Sending {
  readonly #options: ExchangeOptions
  #session: Promise<Session> | undefined

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  async send(message: Outgoing, signal: AbortSignal): Promise<void> {
    const { link, clock, timeoutMs } = this.#options
    signal.throwIfAborted()
    if (!(await link.unblocked(timeoutMs)))
      throw new SkerryError('unavailable', `${link.shown} takes nothing now: ${link.blocked ?? 'an alarm'}`)
    const session = await this.#open()
    const confirmed = Promise.race([this.#publish(session, message), session.ended])
    confirmed.catch(() => {})
    let came: boolean
    try {
      came = await inTime(clock, timeoutMs, confirmed)
    } catch (error) {
      throw explain(error, link.shown)
    }
    if (came) return
    if (link.blocked === undefined) link.drop('no confirmation came')
    throw new SkerryError('unavailable', `${link.shown} has not confirmed within ${timeoutMs} ms; it may have it`)
  }

  async close(): Promise<void> {
    await this.#options.link.close()
  }

  async #publish({ channel, returned }: Session, message: Outgoing): Promise<void> {
    const { link, target } = this.#options
    const { exchange, routingKey = '', unroutable } = target
    const { id, contentType, headers, time, to } = message
    const key = to || routingKey
    returned.delete(id)
    await new Promise<void>((resolve, reject) => {
      const options = {
        ...{ persistent: true, mandatory: unroutable !== 'drop', messageId: id, contentType, headers },
        // In seconds, by AMQP.
        timestamp: Math.floor(time / 1000),
      }
      const done = (error: unknown): void => {
        if (error === null || error === undefined) resolve()
        else reject(new SkerryError('unavailable', `${link.shown} refused it: a queue is full`, { cause: error }))
      }
      channel.publish(exchange, key, Buffer.from(message.body), options, done)
    })
    if (!returned.delete(id)) return
    throw new SkerryError(
      'unavailable',
      `${link.shown}: no queue is bound to exchange ${exchange || '(default)'} by '${key}'; bind one, or say unroutable: 'drop'`,
    )
  }

  async #open(): Promise<Session> {
    this.#session ??= this.#connect()
    try {
      return await this.#session
    } catch (error) {
      this.#session = undefined
      throw error
    }
  }

  async #connect(): Promise<Session> {
    const { link, target } = this.#options
    const channel = await link.confirmChannel()
    const ended = new Promise<never>((_, reject) => {
      channel.once('error', (error) => reject(this.#ended(error)))
      channel.once('close', () => {
        this.#session = undefined
        reject(this.#ended(undefined))
      })
    })
    ended.catch(() => {})
    const returned = new Set<string>()
    channel.on('return', ({ properties }) => void returned.add(String(properties.messageId)))
    // A message to an exchange that is not there would end the channel, and with it all that wait for theirs.
    if (target.exchange !== '')
      await channel.checkExchange(target.exchange).catch((error: unknown) => this.#missing(error))
    return { channel, ended, returned }
  }

  #ended(cause: unknown): SkerryError {
    const { shown } = this.#options.link
    return new SkerryError('unavailable', `${shown}: the connection ended before a confirmation came`, { cause })
  }

  #missing(cause: unknown): never {
    const { link, target } = this.#options
    const message = `${link.shown}: there is no exchange ${target.exchange}, or it may not be used; make it there`
    throw new SkerryError('unavailable', message, { cause })
  }
}
