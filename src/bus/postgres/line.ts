import pg from 'pg'
import { type Clock, inTime, pause, type Timer } from '../../time.ts'
import { closedBus, connectionTo } from './database.ts'
import { quoted } from './tables.ts'

/** What the library's clients have, and their types leave out. */
type Client = pg.Client & { ref(): void; unref(): void }

export interface LineOptions {
  /** Of the server itself: a transaction-mode pooler does not keep what a session listens to. */
  readonly url: string
  readonly place: string
  readonly schema: string
  /** The machine's: leases are the server's time, and it does not wait for a virtual clock. */
  readonly clock: Clock
  readonly timeoutMs: number
  /** The name under which this process is present. */
  readonly process: string
  readonly onMessage: (payload: string) => void
  /** The connection stands, for the first time or again: what was said meanwhile is lost. */
  readonly onStand: () => void
  /** What the server knows of our seats; undefined when it took us for gone. */
  readonly onBeat: (seats: string | undefined) => void
}

const beatMs = 1000
const farewellMs = 1000
const firstWaitMs = 20
const longestWaitMs = 250

/**
 * The direct connection: it hears what others say, and as long as it stands this process is there. Connects again for
 * ever; meanwhile polling finds what nobody tells.
 */
export class Line {
  readonly #options: LineOptions
  readonly #closed = new AbortController()
  #client: Client | undefined
  #standing = Promise.withResolvers<void>()
  #lost: (() => void) | undefined
  #beat: Timer | undefined
  #holds = 0
  #trouble: unknown
  readonly #running: Promise<void>

  constructor(options: LineOptions) {
    this.#options = options
    this.#standing.promise.catch(() => {})
    this.#running = this.#run()
  }

  /** Resolves when the connection stands; rejects when it is closed for good. */
  get standing(): Promise<void> {
    return this.#standing.promise
  }

  /** Why the last try to connect failed. */
  get trouble(): unknown {
    return this.#trouble
  }

  /** The process stays alive while somebody waits for a message, and only then. */
  hold(more: boolean): void {
    this.#holds += more ? 1 : -1
    if (this.#holds > 0) this.#client?.ref()
    else this.#client?.unref()
  }

  /** Makes our presence known anew, after the server took us for gone. */
  async arrive(): Promise<void> {
    try {
      await this.#client?.query(`select ${quoted(this.#options.schema)}.arrive($1)`, [this.#options.process])
    } catch {
      this.#lost?.()
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#lost?.()
    this.#standing.reject(closedBus(this.#options.place))
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, onStand } = this.#options
    let waitMs = firstWaitMs
    while (!this.#closed.signal.aborted) {
      const lost = new Promise<void>((resolve) => {
        this.#lost = resolve
      })
      const client = await this.#connect()
      if (client) {
        waitMs = firstWaitMs
        this.#client = client
        if (this.#holds === 0) client.unref()
        this.#standing.resolve()
        onStand()
        this.#scheduleBeat(client)
        await lost
        this.#beat?.cancel()
        this.#client = undefined
        if (!this.#closed.signal.aborted) this.#restand()
        // A network that swallows everything swallows a farewell, too.
        await inTime(
          clock,
          farewellMs,
          client.end().catch(() => {}),
        )
      } else {
        await pause(clock, waitMs, this.#closed.signal)
        waitMs = Math.min(longestWaitMs, waitMs * 2)
      }
    }
  }

  #restand(): void {
    this.#standing = Promise.withResolvers<void>()
    this.#standing.promise.catch(() => {})
  }

  async #connect(): Promise<Client | undefined> {
    const { url, schema, clock, timeoutMs, process, onMessage } = this.#options
    const client = new pg.Client(connectionTo(url, timeoutMs)) as Client
    client.on('error', () => this.#lost?.())
    client.on('end', () => this.#lost?.())
    client.on('notification', ({ payload }) => onMessage(payload ?? ''))
    const cut = (): void => void client.end().catch(() => {})
    this.#closed.signal.addEventListener('abort', cut)
    try {
      await client.connect()
      await client.query(`listen ${quoted(schema)}`)
      await client.query(`select ${quoted(schema)}.arrive($1)`, [process])
      return client
    } catch (error) {
      this.#trouble = error
      await inTime(
        clock,
        farewellMs,
        client.end().catch(() => {}),
      )
      return undefined
    } finally {
      this.#closed.signal.removeEventListener('abort', cut)
    }
  }

  #scheduleBeat(client: Client): void {
    this.#beat = this.#options.clock.after(beatMs, () => void this.#doBeat(client), { background: true })
  }

  async #doBeat(client: Client): Promise<void> {
    const { schema, process, onBeat } = this.#options
    try {
      const { rows } = await client.query(`select known, seats from ${quoted(schema)}.beat($1)`, [process])
      if (this.#client !== client) return
      onBeat(rows[0]?.known ? String(rows[0].seats) : undefined)
      this.#scheduleBeat(client)
    } catch {
      this.#lost?.()
    }
  }
}
