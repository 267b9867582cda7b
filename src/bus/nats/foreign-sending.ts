import { type JetStreamClient, jetstream } from '@nats-io/jetstream'
import { headers as newHeaders } from '@nats-io/transport-node'
import type { Outgoing, Sending, SubjectTarget } from '../foreign.ts'
import { explain } from './failures.ts'
import { messageIdHeader } from './foreign-headers.ts'
import type { Link } from './link.ts'

export interface SubjectSendingOptions {
  readonly dial: () => Promise<Link>
  readonly target: SubjectTarget
  readonly where: string
}

/** Publishes on a subject. A stream confirms that it stored the message; without one the server confirms that it has it. */
export class SubjectSending implements Sending {
  readonly #options: SubjectSendingOptions
  #link: Promise<Link> | undefined
  #js: JetStreamClient | undefined
  #closed = false

  constructor(options: SubjectSendingOptions) {
    this.#options = options
  }

  async send(message: Outgoing, signal: AbortSignal): Promise<void> {
    const { target, where } = this.#options
    signal.throwIfAborted()
    try {
      const link = await this.#connected()
      await link.once(() => this.#publish(link, message, target))
    } catch (error) {
      throw explain(error, where)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const link = await this.#link?.catch(() => undefined)
    await link?.close()
  }

  async #publish(link: Link, message: Outgoing, { subject, storedIn }: SubjectTarget): Promise<void> {
    const headers = newHeaders()
    for (const [name, value] of Object.entries(message.headers)) headers.set(name, value)
    headers.set('Content-Type', message.contentType)
    headers.set(messageIdHeader, message.id)
    const to = message.to || subject
    if (storedIn !== undefined) {
      this.#js ??= jetstream(link.connection, { timeout: link.answerMs })
      await this.#js.publish(to, message.body, { headers, expect: { streamName: storedIn } })
    } else {
      link.connection.publish(to, message.body, { headers })
      await link.connection.flush()
    }
  }

  async #connected(): Promise<Link> {
    this.#link ??= this.#options.dial()
    const link = this.#link
    try {
      return await link
    } catch (error) {
      this.#link = undefined
      throw error
    } finally {
      if (this.#closed) void link.then((one) => one.close()).catch(() => {})
    }
  }
}
