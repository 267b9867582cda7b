import { type Clock, inTime } from '../../time.ts'
import type { Group } from '../bus.ts'
import type { Database, Row } from './database.ts'
import { sqlState, unavailable } from './failures.ts'
import type { Line } from './line.ts'
import { Seat } from './seat.ts'
import { quoted } from './tables.ts'

export interface SeatsOptions {
  readonly database: Database
  readonly schema: string
  /** The machine's. */
  readonly clock: Clock
  readonly timeoutMs: number
  readonly process: string
  readonly line: Line
}

/** This process's places in groups. */
export class Seats {
  readonly #options: SeatsOptions
  readonly #seats = new Set<Seat>()
  readonly #leaving = new Set<Promise<void>>()

  constructor(options: SeatsOptions) {
    this.#options = options
  }

  join(group: string, member: string): Group {
    const seat = new Seat({
      process: this.#options.process,
      group,
      member,
      ask: (call, values) => this.#ask(call, values),
      onWaiting: (waiting) => this.#options.line.hold(waiting),
      onLeave: (told) => {
        this.#seats.delete(seat)
        this.#leaving.add(told)
        void told.then(() => this.#leaving.delete(told))
      },
    })
    this.#seats.add(seat)
    return seat
  }

  /** What the server told: a turn, a change of members, or a nudge. */
  hear(kind: string, number: number, rest: readonly string[]): void {
    const [version = '', grant = '', wanted = ''] = rest
    const group = rest.join(' ')
    for (const seat of [...this.#seats]) {
      if (kind === 't' && seat.number === number)
        seat.receive({ seat: number, version: Number(version), grant: Number(grant), wanted: wanted === '1' })
      if (kind === 'm' && seat.group === group) seat.hear('members', number)
      if (kind === 'n' && seat.group === group) seat.hear('nudge', number)
    }
  }

  /** How our seats stand; undefined when the server took us for gone. */
  beat(standings: string | undefined): void {
    if (standings === undefined) {
      void this.#options.line.arrive().then(() => this.#again())
      return
    }
    for (const [number, version, grant, wanted] of JSON.parse(standings) as [number, number, number, boolean][])
      for (const seat of this.#seats) if (seat.number === number) seat.beat({ seat: number, version, grant, wanted })
  }

  /** Messages were lost. */
  again(): void {
    this.#again()
    for (const seat of [...this.#seats]) {
      seat.hear('members', -1)
      seat.hear('nudge', -1)
    }
  }

  async close(): Promise<void> {
    for (const seat of [...this.#seats]) seat.leave()
    await Promise.all(this.#leaving)
  }

  /** Resolves when this process is present at the server. Rejects with `unavailable`. */
  async present(): Promise<void> {
    const { clock, timeoutMs, line, database } = this.#options
    if (await inTime(clock, timeoutMs, line.standing)) return
    throw unavailable(database.place, line.trouble, timeoutMs)
  }

  #again(): void {
    for (const seat of this.#seats) seat.again()
  }

  async #ask(call: string, values: readonly unknown[]): Promise<Row | undefined> {
    const { database, schema, line } = this.#options
    for (;;) {
      await this.present()
      try {
        const [row] = await database.ask(`select * from ${quoted(schema)}.${call}`, values)
        return row && row.seat !== null ? row : undefined
      } catch (error) {
        // Our presence is not known there: we were taken for gone.
        if (sqlState((error as Error).cause) !== '23503') throw error
        await line.arrive()
      }
    }
  }
}
