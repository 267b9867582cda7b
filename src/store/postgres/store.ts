import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import type { CrashHook } from '../../telemetry.ts'
import { Line } from '../line.ts'
import type { ReadTx, Store, StoreTx, WriteMode } from '../store.ts'
import { statementError } from './errors.ts'
import { beginRead, beginWrite } from './frames.ts'
import { type Place, quoted } from './place.ts'
import { Link, Links, type Session } from './session.ts'
import { PostgresSignal } from './signal.ts'
import { PostgresStoreTx, PostgresTx } from './transaction.ts'
import type { Step, Wire } from './wire.ts'

export interface PostgresStoreParts {
  readonly identity: string
  readonly place: Place
  readonly first: Session
  readonly readers: number
  readonly crash: CrashHook
  /** Where notifications go, without a pooler in between. */
  readonly direct: Place | undefined
}

/** Whoever writes here does so one at a time. */
interface Desk {
  readonly line: Line
  readonly link: Link
}

/** A store in one schema of a PostgreSQL database: handlers write on one connection, bookkeeping on a second, a few read. */
export class PostgresStore implements Store {
  readonly dialect = 'postgres'
  readonly identity: string
  /** A server remembers 64 of a transaction's savepoints where others find them quickly. */
  readonly savepointLimit = 60
  readonly signal: PostgresSignal | undefined
  readonly #parts: PostgresStoreParts
  readonly #handlers: Desk
  readonly #bookkeeping: Desk
  readonly #readers: Links
  readonly #opener = randomIdentity()
  #closing: Promise<void> | undefined

  constructor(parts: PostgresStoreParts) {
    const { place, first } = parts
    this.#parts = parts
    this.identity = parts.identity
    this.#handlers = { line: new Line(), link: new Link(place, first) }
    this.#bookkeeping = { line: new Line(), link: new Link(place) }
    this.#readers = new Links(place, parts.readers)
    this.signal = parts.direct && new PostgresSignal(parts.direct, this.#opener)
  }

  async write<T>(work: (tx: StoreTx) => Promise<T>, mode: WriteMode = 'serial'): Promise<T> {
    this.#mustBeOpen()
    const { line, link } = mode === 'bookkeeping' ? this.#bookkeeping : this.#handlers
    await line.enter()
    try {
      this.#mustBeOpen()
      return await this.#transaction(await link.session(), work, mode)
    } finally {
      line.leave()
    }
  }

  async read<T>(work: (tx: ReadTx) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    return this.#readers.use(async (session) => {
      const tx = new PostgresTx(session, beginRead(this.#parts.place))
      try {
        return await work(tx)
      } finally {
        await tx.undo()
      }
    })
  }

  /** Every connection that writes counts its commits in a row of its own, so that nobody is in anybody's way. */
  async version(): Promise<number> {
    const [commits] = await this.#look(
      `select coalesce(sum(commits), 0) from ${this.#table('opener')} where not starts_with(id, '${this.#opener}')`,
    )
    return Number(commits)
  }

  async time(): Promise<number> {
    const [ms] = await this.#look('select extract(epoch from clock_timestamp()) * 1000')
    return Number(ms)
  }

  async size(): Promise<number> {
    const [bytes] = await this.#look(
      `select coalesce(sum(pg_total_relation_size(oid)), 0) from pg_class
       where relnamespace = '${quoted(this.#parts.place.schema)}'::regnamespace and relkind in ('r', 'm')`,
    )
    return Number(bytes)
  }

  /** Waits for the transactions that are running; those still in line are refused. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const desks = [this.#handlers, this.#bookkeeping]
    for (const { line } of desks) await line.enter()
    await this.signal?.close()
    await this.#readers.close()
    for (const { line, link } of desks) {
      await link.close()
      line.leave()
    }
  }

  async #transaction<T>(session: Session, work: (tx: StoreTx) => Promise<T>, mode: WriteMode): Promise<T> {
    const { place, crash } = this.#parts
    const tx = new PostgresStoreTx(session, beginWrite(place, mode), mode === 'whole')
    let result: T
    try {
      result = await work(tx)
      const doom = await tx.doom()
      if (doom) throw doom
    } catch (error) {
      await tx.undo()
      throw tx.reason(error)
    }
    crash('store.before-commit')
    await tx.commit(this.#counting(session.wire, mode === 'bookkeeping' ? 'b' : 'h'))
    crash('store.after-commit')
    return result
  }

  /** Travels with every commit; see `version`. */
  #counting(wire: Wire, desk: string): Step {
    const text = `insert into ${this.#table('opener')} (id) values ('${this.#opener}.${desk}')
      on conflict (id) do update set commits = skerry_opener.commits + 1, at = now()`
    return wire.controlStep(text)
  }

  /** One statement by itself. */
  async #look(text: string): Promise<(string | null)[]> {
    this.#mustBeOpen()
    return this.#readers.use(async ({ wire }) => {
      try {
        const answer = await wire.control(text)
        return answer.rows[0] ?? []
      } catch (error) {
        throw statementError(error, this.#parts.place.name, text)
      }
    })
  }

  #table(name: string): string {
    return `${quoted(this.#parts.place.schema)}.skerry_${name}`
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new SkerryError('closed', `the store ${this.#parts.place.name} is closed`)
  }
}
