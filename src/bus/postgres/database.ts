import pg from 'pg'
import { SkerryError } from '../../errors.ts'
import { type Clock, pause } from '../../time.ts'
import { explain, isSilence, troubleOf, unavailable } from './failures.ts'

export type Row = Record<string, unknown>

export interface DatabaseOptions {
  readonly url: string
  /** How the server is called in messages. */
  readonly place: string
  readonly clock: Clock
  /** Longest wait for a server that is away, in milliseconds. */
  readonly timeoutMs: number
}

/** Connections beyond the one that appends: reads of several subscriptions side by side. */
const mostConnections = 4
const firstWaitMs = 20
const longestWaitMs = 250

/**
 * The server as a few connections. Every question is one statement without state in its session, so that it makes no
 * difference which connection of which pooler carries it.
 */
export class Database {
  readonly place: string
  #pool: pg.Pool
  readonly #options: DatabaseOptions
  readonly #closed = new AbortController()
  /** Until the bus is open, refused credentials are final; later they may be on their way back. */
  #open = false

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.place = options.place
    this.#pool = this.#newPool()
  }

  get closed(): boolean {
    return this.#closed.signal.aborted
  }

  /** The bus is open: from now on refusals are waited for like absences. */
  opened(): void {
    this.#open = true
  }

  /** Asks once. Rejects with what the server or the network said. */
  async once(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const pool = this.#pool
    try {
      return (await pool.query<Row>(text, values as unknown[])).rows
    } catch (error) {
      // Where one fell silent the others may have, too; each would be found out by a question that waits in vain.
      // Where questions wait for a connection none rests, and an ended pool would keep them waiting.
      if (isSilence(error) && pool === this.#pool && pool.waitingCount === 0 && !this.closed) {
        this.#pool = this.#newPool()
        void pool.end()
      }
      throw error
    }
  }

  #newPool(): pg.Pool {
    const { url, timeoutMs } = this.#options
    const pool = new pg.Pool({ ...connectionTo(url, timeoutMs), max: mostConnections })
    // A connection that breaks while nobody uses it has been taken out of the pool already.
    pool.on('error', () => {})
    return pool
  }

  /** Asks until there is an answer; `text` may run more than once. Rejects with `unavailable` after the time-out. */
  async ask(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { clock, timeoutMs, place } = this.#options
    const since = clock.monotonic()
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
      if (this.closed) throw closedBus(place)
      try {
        return await this.once(text, values)
      } catch (error) {
        if (this.closed) throw closedBus(place)
        if (!this.mayPass(error)) throw explain(error, place)
        if (clock.monotonic() - since >= timeoutMs) throw unavailable(place, error, timeoutMs)
      }
      await pause(clock, waitMs, this.#closed.signal)
    }
  }

  /** True for failures after which the same question may be answered. */
  mayPass(error: unknown): boolean {
    const trouble = troubleOf(error)
    return trouble === 'lost' || trouble === 'collision' || (trouble === 'refused' && this.#open)
  }

  /** Ends all waiting; resolves when the connections are closed. */
  async close(): Promise<void> {
    if (this.closed) return
    this.#closed.abort()
    await this.#pool.end()
  }
}

export function connectionTo(url: string, timeoutMs: number): pg.PoolConfig {
  return {
    connectionString: url,
    application_name: 'skerry bus',
    connectionTimeoutMillis: timeoutMs,
    // A connection that died without a word is given up well before the caller's patience ends.
    query_timeout: answerMs(timeoutMs),
    keepAlive: true,
    allowExitOnIdle: true,
  }
}

/** How long one statement may take. Those that wait for a lock give up a little earlier. */
export const answerMs = (timeoutMs: number): number => Math.max(1000, timeoutMs / 2)
export const lockMs = (timeoutMs: number): number => Math.round(answerMs(timeoutMs) * 0.8)

export function closedBus(place: string): SkerryError {
  return new SkerryError('closed', `${place}: the bus is closed`)
}
