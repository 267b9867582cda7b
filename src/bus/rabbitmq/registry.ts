import type { Channel, ConfirmChannel } from 'amqplib'
import { SkerryError } from '../../errors.ts'
import { type Clock, pause } from '../../time.ts'
import { explain, replyCode } from './failures.ts'
import type { Link } from './link.ts'
import { quorum } from './names.ts'

/**
 * Small facts at a server that has queues only. Each is one message in a quorum queue of its own, changed by whoever holds
 * the lock: an exclusive queue beside it, which the server gives to one connection at a time and frees when that ends.
 */
export class Registry {
  readonly #link: Link
  readonly #clock: Clock
  readonly #timeoutMs: number
  /** An exclusive queue locks out other connections, not this one: here they stand in line. */
  #line: Promise<unknown> = Promise.resolve()

  constructor(link: Link, clock: Clock, timeoutMs: number) {
    this.#link = link
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /**
   * Replaces a fact by what `next` makes of it; undefined stands for one that is not there, or is to be removed. Written even
   * when nothing changes: a message that is only looked at and put back counts as redelivered, which has its limit.
   */
  change<F>(name: string, next: (fact: F | undefined) => F | undefined): Promise<F | undefined> {
    const changed = this.#line.then(() => this.#change(name, next))
    this.#line = changed.catch(() => {})
    return changed
  }

  async #change<F>(name: string, next: (fact: F | undefined) => F | undefined): Promise<F | undefined> {
    const lock = await this.#lock(`${name}.lock`)
    let channel: ConfirmChannel | undefined
    try {
      channel = await this.#link.confirmChannel()
      return await replace(channel, name, next)
    } catch (error) {
      throw explain(error, this.#link.shown)
    } finally {
      await channel?.close().catch(() => {})
      await lock.deleteQueue(`${name}.lock`).catch(() => {})
      await lock.close().catch(() => {})
    }
  }

  async #lock(name: string): Promise<Channel> {
    const until = this.#clock.monotonic() + this.#timeoutMs
    for (let waitMs = 5; ; waitMs = Math.min(100, waitMs * 2)) {
      const channel = await this.#link.channel()
      try {
        await channel.assertQueue(name, { exclusive: true, durable: false, autoDelete: false })
        return channel
      } catch (error) {
        // The server has closed the channel, as it does with every refusal.
        if (replyCode(error) !== resourceLocked) throw explain(error, this.#link.shown)
        if (this.#clock.monotonic() > until)
          throw new SkerryError('unavailable', `${this.#link.shown}: another connection keeps ${name}`, {
            cause: error,
          })
      }
      await pause(this.#clock, waitMs)
    }
  }
}

const resourceLocked = 405

interface Stored<F> {
  readonly revision: number
  readonly fact: F
}

async function replace<F>(
  channel: ConfirmChannel,
  name: string,
  next: (fact: F | undefined) => F | undefined,
): Promise<F | undefined> {
  await channel.assertQueue(name, { durable: true, arguments: quorum })
  let newest: Stored<F> | undefined
  // Two are there when somebody ended between writing and removing.
  for (;;) {
    const message = await channel.get(name)
    if (!message) break
    const stored = JSON.parse(message.content.toString()) as Stored<F>
    if (!newest || stored.revision > newest.revision) newest = stored
  }
  const fact = next(newest?.fact)
  if (fact === undefined) {
    await channel.deleteQueue(name)
    return undefined
  }
  const content = Buffer.from(JSON.stringify({ revision: (newest?.revision ?? 0) + 1, fact }))
  await new Promise<void>((resolve, reject) => {
    channel.once('close', () => reject(new Error(`the connection ended while ${name} was written`)))
    channel.sendToQueue(name, content, { persistent: true }, (error) => (error ? reject(error) : resolve()))
  })
  if (newest) channel.ackAll()
  return fact
}
