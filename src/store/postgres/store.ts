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
  readonly name: 'h' | 'b'
  readonly line: Line
  readonly link: Link
  /** How many commits the server has confirmed, and the connection on which that was seen to be so. */
  confirmed: number
  checkedOn: Session | undefined
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
  /** Set when the server has gone back behind what it confirmed: nothing works from then on. */
  #lost: SkerryError | undefined

  constructor(parts: PostgresStoreParts) {
    const { place, first } = parts
    this.#parts = parts
    this.identity = parts.identity
    const desk = (name: Desk['name'], link: Link): Desk => ({
      ...{ name, line: new Line(), link, confirmed: 0, checkedOn: undefined },
    })
    this.#handlers = desk('h', new Link(place, first))
    this.#bookkeeping = desk('b', new Link(place))
    this.#readers = new Links(place, parts.readers)
    this.signal = parts.direct && new PostgresSignal(parts.direct, this.#opener)
  }

  async write<T>(work: (tx: StoreTx) => Promise<T>, mode: WriteMode = 'serial'): Promise<T> {
    this.#mustBeOpen()
    const desk = mode === 'bookkeeping' ? this.#bookkeeping : this.#handlers
    await desk.line.enter()
    try {
      this.#mustBeOpen()
      return await this.#transaction(desk, await this.#session(desk), work, mode)
    } finally {
      desk.line.leave()
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

  /**
   * On a new connection the server may have less than it has confirmed: it was restored while we were away, a copy that lagged
   * behind took over, or it did not sync. What this process remembers is of no use then, and work on it would lose events.
   */
  async #session(desk: Desk): Promise<Session> {
    const session = await desk.link.session()
    if (session === desk.checkedOn) return session
    if (desk.confirmed > 0) {
      const text = `select commits from ${this.#table('opener')} where id = '${this.#opener}.${desk.name}'`
      const { rows } = await session.wire.control(text).catch((error: unknown) => {
        throw statementError(error, this.#parts.place.name, text)
      })
      const missing = desk.confirmed - Number(rows[0]?.[0] ?? 0)
      if (missing > 0) this.#lost = wentBack(this.#parts.place, missing)
      this.#mustBeOpen()
    }
    desk.checkedOn = session
    return session
  }

  async #transaction<T>(desk: Desk, session: Session, work: (tx: StoreTx) => Promise<T>, mode: WriteMode): Promise<T> {
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
    const counted = await tx.commit(this.#counting(session.wire, desk.name))
    if (counted) desk.confirmed = Number(counted.rows[0]?.[0])
    crash('store.after-commit')
    return result
  }

  /** Travels with every commit; see `version` and `#session`. */
  #counting(wire: Wire, desk: string): Step {
    const text = `insert into ${this.#table('opener')} (id) values ('${this.#opener}.${desk}')
      on conflict (id) do update set commits = skerry_opener.commits + 1, at = now() returning commits`
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
    if (this.#lost) throw this.#lost
    if (this.#closing) throw new SkerryError('closed', `the store ${this.#parts.place.name} is closed`)
  }
}

/** `closed`: no event is to blame, and the service comes to rest. */
function wentBack({ name }: Place, missing: number): SkerryError {
  return new SkerryError(
    'closed',
    `${name}: the server came back without the last ${missing} commits that it had confirmed (restored from a copy, or not ` +
      'synced); start this process again: it goes on from there, or says why it cannot',
  )
}
