import { errors, type NatsConnection } from '@nats-io/transport-node'
import { SkerryError } from '../../errors.ts'
import { type Clock, inTime, pause } from '../../time.ts'
import { explain, mayPass } from './failures.ts'

/** One question's longest wait for its answer; then it is asked again. */
const answerMs = 4000
const againMs = 50
const flushMs = 500

export interface LinkOptions {
  readonly connection: NatsConnection
  readonly clock: Clock
  /** The server's address without credentials, for messages. */
  readonly where: string
  /** Longest wait for an answer through interruptions, in milliseconds. */
  readonly timeoutMs: number
}

/**
 * The connection as the rest sees it: it may be interrupted at any time, and comes back by itself. `ask` hides what is
 * shorter than the time-out from whoever may ask twice.
 */
export class Link {
  readonly connection: NatsConnection
  readonly where: string
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #back = new Set<() => void>()
  readonly #closing = new AbortController()
  /** What waits for an answer. */
  readonly #asked = new Set<(error: unknown) => void>()
  /** Counts the interruptions: what is known of the server belongs to one of these. */
  #epoch = 0
  #away = false
  #broken: SkerryError | undefined

  constructor({ connection, clock, where, timeoutMs }: LinkOptions) {
    this.connection = connection
    this.where = where
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    void this.#listen()
  }

  get epoch(): number {
    return this.#epoch
  }

  get away(): boolean {
    return this.#away
  }

  get deadline(): number {
    return this.#clock.monotonic() + this.#timeoutMs
  }

  /** Calls `listener` each time the connection is back after an interruption. */
  onBack(listener: () => void): () => void {
    this.#back.add(listener)
    return () => void this.#back.delete(listener)
  }

  /** Ends everything for good: what is on the server contradicts what was seen there. */
  break(error: SkerryError): SkerryError {
    this.#broken ??= error
    this.#interrupt()
    return this.#broken
  }

  refuseEnded(): void {
    if (this.#broken) throw this.#broken
    if (this.#closing.signal.aborted) throw this.ended()
  }

  /**
   * Asks until there is an answer, an error that no waiting mends, or the deadline has passed. Only for what may be asked
   * twice. Rejects with `unavailable` at the deadline.
   */
  async ask<T>(question: () => Promise<T>, deadline = this.deadline): Promise<T> {
    for (;;) {
      this.refuseEnded()
      try {
        return await this.once(question)
      } catch (error) {
        this.refuseEnded()
        if (!mayPass(error) || this.#clock.monotonic() + againMs > deadline) throw explain(error, this.where)
      }
      await pause(this.#clock, againMs, this.#closing.signal)
    }
  }

  /** Asks once; rejects as soon as the connection is lost, since then nobody can know what became of it. */
  once<T>(question: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.refuseEnded()
      if (this.#away) throw new SkerryError('unavailable', `${this.where}: the connection is interrupted`)
      this.#asked.add(reject)
      question()
        .then(resolve, reject)
        .finally(() => this.#asked.delete(reject))
    })
  }

  get answerMs(): number {
    return Math.min(answerMs, this.#timeoutMs)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#interrupt()
    // What was said last goes out, where there is somebody to say it to.
    if (!this.#away)
      await inTime(
        this.#clock,
        flushMs,
        this.connection.flush().catch(() => {}),
      )
    await this.connection.close()
  }

  async #listen(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') {
        this.#away = true
        this.#interrupt()
      } else if (status.type === 'reconnect') {
        this.#away = false
        for (const listener of [...this.#back]) listener()
      }
    }
  }

  #interrupt(): void {
    this.#epoch++
    for (const reject of this.#asked) reject(new errors.ConnectionError('the connection was lost'))
    this.#asked.clear()
  }

  ended(): SkerryError {
    return new SkerryError('closed', `${this.where}: the bus is closed`)
  }
}
