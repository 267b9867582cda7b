import { pause, systemClock } from '../../time.ts'
import type { Signal } from '../store.ts'
import { literal, type Place, quoted } from './place.ts'
import { Wire } from './wire.ts'

const againMs = 1000

/**
 * Notifications between the openers of a store, on a connection of its own that no pooler may be in the way of. They are sent
 * by themselves, never within a transaction: PostgreSQL lets transactions that notify commit only one after another. One
 * that is lost costs nothing but time, since everybody looks once a second anyhow.
 */
export class PostgresSignal implements Signal {
  readonly #place: Place
  readonly #me: string
  readonly #listeners = new Set<() => void>()
  readonly #abort = new AbortController()
  readonly #running: Promise<void>
  #wire: Wire | undefined
  #due = false
  #sending = false

  constructor(place: Place, me: string) {
    this.#place = place
    this.#me = me
    this.#running = this.#run()
  }

  send(): void {
    this.#due = true
    if (!this.#sending) void this.#send()
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#wire?.close()
    await this.#running
  }

  /** However many ask in the same moment: one notification. */
  async #send(): Promise<void> {
    this.#sending = true
    while (this.#due && this.#wire && !this.#wire.dead) {
      this.#due = false
      const text = `select pg_notify(${literal(this.#place.schema)}, ${literal(this.#me)})`
      await this.#wire.control(text).catch(() => {})
    }
    this.#sending = false
  }

  /** Listens, and begins again when the connection broke. */
  async #run(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      let wire: Wire | undefined
      try {
        wire = await Wire.connect(this.#place)
        const ended = wire.onNotification((payload) => {
          if (payload !== this.#me) this.#tell()
        })
        await wire.control(`listen ${quoted(this.#place.schema)}`)
        this.#wire = wire
        // Something may have been said before it listened.
        this.#tell()
        if (this.#due) void this.#send()
        if (!signal.aborted) await ended
      } catch {
        // The server is away: what needs it says so.
      }
      await wire?.close()
      await pause(systemClock, againMs, signal)
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
