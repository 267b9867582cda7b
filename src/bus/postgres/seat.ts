import { SkerryError } from '../../errors.ts'
import type { Group, GroupChange, Release, Stop } from '../bus.ts'
import type { Row } from './database.ts'

/** What the server knows of a seat: see `seating.ts`. */
export interface Standing {
  readonly seat: number
  readonly version: number
  readonly grant: number
  readonly wanted: boolean
}

export interface SeatOptions {
  readonly process: string
  readonly group: string
  readonly member: string
  /** Asks the server a function, as soon as this process is present there; undefined when it is not any more. */
  readonly ask: (call: string, values: readonly unknown[]) => Promise<Row | undefined>
  /** True while something here waits to be told. */
  readonly onWaiting: (waiting: boolean) => void
  /** It has left; `told` resolves when the others have heard so. */
  readonly onLeave: (told: Promise<void>) => void
}

interface Waiting {
  readonly resolve: (release: Release) => void
  readonly reject: (error: SkerryError) => void
}

/**
 * A member of a group. What it asks the server goes one after another, so that an answer tells that everything before
 * has arrived. While it holds the turn and nobody else wants it, a turn costs nothing.
 */
export class Seat implements Group {
  readonly #options: SeatOptions
  readonly #listeners = new Set<(change: GroupChange) => void>()
  readonly #waiting: Waiting[] = []
  #line: Promise<unknown> = Promise.resolve()
  /** Its number at the server; 0 until it has one. */
  #number = 0
  #version = -1
  /** Number of the grant that is held, or 0. */
  #grant = 0
  /** The last grant that was given back: what was said of it before is out of date. */
  #yielded = 0
  /** It has not been used yet: that comes before the others' wishes. */
  #fresh = false
  #busy = false
  #wanted = false
  #asked = false
  #left = false
  /** The server may not know what it was told last. */
  #doubtful = false

  constructor(options: SeatOptions) {
    this.#options = options
    this.#take().catch(() => {})
  }

  get group(): string {
    return this.#options.group
  }

  get number(): number {
    return this.#number
  }

  members(): Promise<readonly string[]> {
    return this.#inLine(async () => {
      for (;;) {
        const row = await this.#ask('members($1)', [this.#number])
        if (!row) await this.#sit()
        else {
          this.receive(standingOf(row))
          return (row.members as string[]).sort()
        }
      }
    })
  }

  onChange(listener: (change: GroupChange) => void): Stop {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  nudge(): void {
    this.#inLine(() => this.#ask('tell($1)', [`n ${this.#number} ${this.group}`])).catch(() => {})
  }

  turn(): Promise<Release> {
    if (this.#left) return Promise.reject(this.#gone())
    if (this.#grant > 0 && !this.#busy && !this.#wanted) return Promise.resolve(this.#use())
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ resolve, reject }) === 1) this.#options.onWaiting(true)
      this.#next()
    })
  }

  leave(): void {
    if (this.#left) return
    const told = this.#inLine(() => this.#ask('leave_seat($1)', [this.#number]))
    this.#left = true
    this.#options.onLeave(told.then(nothing, nothing))
    this.#fail(this.#gone())
  }

  /** The server took this process for gone, or was restored, or messages were lost: sits down again. */
  again(): void {
    this.#take().catch(() => {})
  }

  /** As it stood at the last beat; what went wrong since the one before is made good. */
  beat(standing: Standing): void {
    if (this.#doubtful) this.again()
    this.#doubtful = false
    this.receive(standing)
  }

  /** Fires listeners, except for what this seat did itself. */
  hear(change: GroupChange, by: number): void {
    if (by !== this.#number) for (const listener of this.#listeners) listener(change)
  }

  receive({ version, grant, wanted }: Standing): void {
    if (version < this.#version || this.#left) return
    this.#version = version
    const granted = grant > this.#yielded ? grant : 0
    if (granted > 0) this.#asked = false
    if (granted > this.#grant) this.#fresh = true
    this.#grant = granted
    this.#wanted = granted > 0 && wanted
    this.#next()
  }

  #take(): Promise<void> {
    return this.#inLine(() => this.#sit())
  }

  async #sit(): Promise<void> {
    const { process, group, member } = this.#options
    const row = await this.#ask('take_seat($1, $2, $3, $4)', [process, group, member, this.#number])
    if (!row) throw this.#gone()
    const standing = standingOf(row)
    // A new seat never held an earlier grant; and a server that was restored counts versions anew.
    if (standing.seat !== this.#number) this.#yielded = 0
    this.#number = standing.seat
    this.#version = -1
    this.receive(standing)
    const kept = standing.grant > this.#grant ? standing.grant : 0
    if (kept > 0 || (this.#asked && this.#grant === 0)) await this.#askTurn(kept)
  }

  #ask(call: string, values: readonly unknown[]): Promise<Row | undefined> {
    return this.#options.ask(call, values)
  }

  #inLine<T>(work: () => Promise<T>): Promise<T> {
    if (this.#left) return Promise.reject(this.#gone())
    const result = this.#line.then(work)
    this.#line = result.catch(() => {})
    return result
  }

  #use(): Release {
    this.#busy = true
    this.#fresh = false
    let released = false
    return () => {
      if (released) return
      released = true
      this.#busy = false
      this.#next()
    }
  }

  #next(): void {
    if (this.#busy || this.#left) return
    const next = this.#waiting[0]
    if (next && this.#grant > 0 && (this.#fresh || !this.#wanted)) {
      this.#waiting.shift()
      if (this.#waiting.length === 0) this.#options.onWaiting(false)
      next.resolve(this.#use())
      return
    }
    let given = 0
    if (this.#grant > 0 && this.#wanted) {
      given = this.#grant
      this.#yielded = given
      this.#grant = 0
      this.#wanted = false
    }
    const want = this.#waiting.length > 0 && !this.#asked
    if (this.#grant > 0 || (!want && given === 0)) return
    if (want) this.#asked = true
    this.#inLine(() => this.#askTurn(given)).catch(() => {
      this.#doubtful = true
    })
  }

  async #askTurn(given: number): Promise<void> {
    // What is wanted is what is wanted when the question goes out.
    const row = await this.#ask('take_turn($1, $2, $3)', [this.#number, given, this.#asked])
    if (row) this.receive(standingOf(row))
    else await this.#sit()
  }

  #fail(error: SkerryError): void {
    if (this.#waiting.length === 0) return
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    this.#options.onWaiting(false)
  }

  #gone(): SkerryError {
    const { group, member } = this.#options
    return new SkerryError('closed', `${member} has left the group ${group}`)
  }
}

const nothing = (): void => {}

function standingOf(row: Row): Standing {
  return {
    seat: Number(row.seat),
    version: Number(row.version),
    grant: Number(row.grant_number),
    wanted: row.wanted === true,
  }
}
