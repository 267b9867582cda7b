import { SkerryError } from '../../errors.ts'
import type { Delivery, Position } from '../../event.ts'
import { randomIdentity } from '../../ids.ts'
import type { Watcher } from '../../telemetry.ts'
import type { Clock } from '../../time.ts'
import type {
  Batch,
  Bus,
  BusStatus,
  Capabilities,
  Chunk,
  Credit,
  Group,
  Lineage,
  Registered,
  Registration,
  Stop,
} from '../bus.ts'
import { Appender, type Stored } from './appender.ts'
import { closedBus, type Database, lockMs, type Row } from './database.ts'
import { Line } from './line.ts'
import { Marks } from './marks.ts'
import { lineageOf, lineageQuestion, readersOf, statusQuestion, streamsOf } from './questions.ts'
import { Reader } from './reader.ts'
import { Seats } from './seats.ts'
import { quoted, schemaOf } from './tables.ts'
import { Tending } from './tending.ts'

export interface EngineOptions {
  readonly app: string
  readonly database: Database
  readonly directUrl: string
  readonly clock: Clock
  /** The machine's: whoever waits for a network lives by it. */
  readonly machine: Clock
  readonly watcher: Watcher
  /** What was asked for, and what the server gives. */
  readonly synced: boolean
  readonly durability: Capabilities['durability']
  readonly maxBytes: number
  readonly segmentBytes: number
  readonly retention: { readonly ageMs: number; readonly bytes: number }
  readonly timeoutMs: number
}

/** The bus as one process has it. Its state is the server's; what is kept here can be asked for again. */
export class PostgresBus implements Bus {
  readonly engine = 'postgres'
  readonly capabilities: Capabilities
  readonly #options: EngineOptions
  readonly #database: Database
  readonly #schema: string
  /** Marks what this process said among the messages. */
  readonly #me = randomIdentity()
  readonly #reader: Reader
  readonly #appender: Appender
  readonly #marks: Marks
  readonly #tending: Tending
  readonly #line: Line
  readonly #seats: Seats
  readonly #listeners = new Map<string, Set<() => void>>()
  /** This process has begun its term as a writer. */
  #begun = false
  #stood = false
  #broken: SkerryError | undefined
  #closing: Promise<void> | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    this.#database = options.database
    this.#schema = quoted(schemaOf(options.app))
    this.capabilities = {
      keyOrder: 'emulated',
      delay: 'emulated',
      fromStart: 'native',
      replay: 'native',
      fencing: 'emulated',
      deduplication: 'native',
      deduplicationHorizonMs: Number.POSITIVE_INFINITY,
      durability: options.durability,
    }
    const { database, clock, machine, timeoutMs, app } = options
    const { place } = database
    const schema = schemaOf(app)
    this.#reader = new Reader({ place, load: (...values) => this.#call('read($1, $2, $3, $4)', values) })
    this.#appender = new Appender({
      place,
      clock: machine,
      timeoutMs,
      store: (batches) => this.#store(batches),
      mayPass: (error) => !this.#broken && database.mayPass(error),
    })
    this.#marks = new Marks(clock, (...values) =>
      database.ask(`select ${this.#schema}.acknowledge($1, $2, $3)`, values),
    )
    this.#tending = new Tending({ ...options, schema, onGrown: () => this.#notifyAll() })
    this.#line = new Line({
      url: options.directUrl,
      place,
      schema,
      clock: machine,
      timeoutMs,
      process: this.#me,
      onMessage: (payload) => this.#hear(payload),
      onStand: () => this.#stand(),
      onBeat: (standings) => this.#seats.beat(standings),
    })
    this.#seats = new Seats({ database, schema, clock: machine, timeoutMs, process: this.#me, line: this.#line })
  }

  /** Resolves when messages can be heard. */
  async opened(): Promise<this> {
    try {
      await this.#seats.present()
    } catch (error) {
      await this.close()
      throw error
    }
    this.#database.opened()
    this.#tending.start()
    return this
  }

  async append(batch: Batch): Promise<void> {
    this.#refuseEnded()
    return this.#appender.append(batch)
  }

  async producerMark(producer: string): Promise<number> {
    const [row] = await this.#ask(`select mark from ${this.#schema}.producer where name = $1`, [producer])
    return Number(row?.mark ?? 0)
  }

  async head(): Promise<Position> {
    const [row] = await this.#ask(`select head from ${this.#schema}.bus`)
    return Number(row?.head)
  }

  async read(stream: string, from: Position, credit: Credit): Promise<Chunk> {
    this.#refuseEnded()
    return this.#reader.read(stream, from, credit)
  }

  async readOne(stream: string, position: Position): Promise<Delivery | undefined> {
    this.#refuseEnded()
    return this.#reader.readOne(stream, position)
  }

  async lineage(): Promise<Lineage> {
    const [row] = await this.#ask(lineageQuestion(schemaOf(this.#options.app)))
    return lineageOf(row as Row)
  }

  watch(stream: string, listener: () => void): Stop {
    const listeners = this.#listeners.get(stream) ?? new Set()
    this.#listeners.set(stream, listeners)
    const own = (): void => listener()
    listeners.add(own)
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#listeners.get(stream) === listeners) this.#listeners.delete(stream)
    }
  }

  async register({ subscription, store, marks }: Registration): Promise<Registered> {
    const values = [subscription, store, Object.keys(marks), Object.values(marks)]
    const [row] = await this.#call('register($1, $2, $3, $4)', values)
    if (row?.taken !== null)
      throw new SkerryError(
        'subscription_taken',
        `${this.#database.place}: subscription ${subscription} belongs to another store (${row?.taken}, not ${store}); ` +
          'choose another name, or forget the subscription if that store is gone',
      )
    return { marks: row.marks === null ? undefined : JSON.parse(String(row.marks)) }
  }

  acknowledge(subscription: string, marks: Readonly<Record<string, Position>>): void {
    if (!this.#closing && !this.#broken) this.#marks.acknowledge(subscription, marks)
  }

  async forget(subscription: string): Promise<void> {
    const text = `delete from ${this.#schema}.reader where subscription = $1 returning subscription`
    const rows = await this.#ask(text, [subscription])
    if (rows.length > 0) return
    throw new SkerryError(
      'not_found',
      `${this.#database.place}: there is no subscription ${subscription}; \`status\` lists them`,
    )
  }

  async status(): Promise<BusStatus> {
    const row = (await this.#ask(statusQuestion(schemaOf(this.#options.app))))[0] as Row
    return {
      bus: String(row.identity),
      engine: this.engine,
      head: Number(row.head),
      streams: streamsOf(row),
      readers: readersOf(row),
      // Every process writes; the server decides in which order.
      writer: undefined,
      diskBytes: Number(row.disk),
      diskLimitBytes: this.#options.maxBytes,
      clockJumps: this.#tending.clockJumps,
    }
  }

  readonly group = (group: string, member: string): Group => {
    this.#refuseEnded()
    return this.#seats.join(group, member)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#appender.drained()
    await this.#tending.stop()
    await this.#seats.close()
    await this.#marks.flush()
    await this.#line.close()
    await this.#database.close()
    this.#listeners.clear()
  }

  async #store(batches: readonly Batch[]): Promise<Stored[]> {
    const { synced, timeoutMs, maxBytes, segmentBytes, clock } = this.#options
    const frames = batches.map(({ frame }) => Buffer.from(frame))
    const text = `select ${this.#schema}.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) as results`
    const rows = await this.#database.once(text, [
      this.#me,
      !this.#begun,
      randomIdentity(),
      synced,
      lockMs(timeoutMs),
      Math.min(maxBytes, Number.MAX_SAFE_INTEGER),
      segmentBytes,
      Math.round(clock.wall()),
      this.#reader.head,
      batches.map((batch) => batch.stream),
      batches.map((batch) => batch.producer),
      batches.map((batch) => batch.after),
      batches.map((batch) => batch.first),
      batches.map((batch) => batch.count),
      frames.map((frame) => frame.length),
      Buffer.concat(frames),
    ])
    this.#begun = true
    for (const stream of new Set(batches.map((batch) => batch.stream))) this.#notify(stream)
    return (rows[0] as { results: string[] }).results.map(storedOf)
  }

  #hear(payload: string): void {
    const [kind = '', by = '', ...rest] = payload.split(' ')
    if (kind === 'p') this.#tending.collect()
    else if (kind !== 'a') this.#seats.hear(kind, Number(by), rest)
    else if (by !== this.#me) this.#notify(rest.join(' '))
  }

  /** The direct connection stands. What was said before it did is lost: everybody looks. */
  #stand(): void {
    this.#tending.collect()
    if (this.#stood) {
      void this.#checkLineage()
      this.#notifyAll()
      this.#seats.again()
    }
    this.#stood = true
  }

  /** After a pause another database may be behind the same address. */
  async #checkLineage(): Promise<void> {
    const { term, head } = this.#reader
    const lineage = await this.lineage().catch(() => undefined)
    if (!lineage || term === '') return
    if (lineage.head >= head && lineage.incarnations.some(({ token }) => token === term)) return
    this.#broken = new SkerryError(
      'log_changed',
      `${this.#database.place}: this is not the bus that was open before, or an older copy of it. Put that back, then start again`,
    )
  }

  #notify(stream: string): void {
    for (const listener of [...(this.#listeners.get(stream) ?? [])]) listener()
  }

  #notifyAll(): void {
    for (const stream of [...this.#listeners.keys()]) this.#notify(stream)
  }

  #call(call: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#ask(`select * from ${this.#schema}.${call}`, values)
  }

  async #ask(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    this.#refuseEnded()
    return this.#database.ask(text, values)
  }

  #refuseEnded(): void {
    if (this.#broken) throw this.#broken
    if (this.#closing) throw closedBus(this.#database.place)
  }
}

/** What the function `append` says of a batch; see `logging.ts`. */
function storedOf(result: string): Stored {
  const number = Number(result)
  if (number === 0) return 'stored'
  return number < 0 ? 'full' : { mark: number - 1 }
}
