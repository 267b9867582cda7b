import type { StatementSync } from 'node:sqlite'
import { SkerryError } from '../../errors.ts'
import { Connection } from './connection.ts'
import { statementError } from './errors.ts'
import type { Place } from './file.ts'
import { type Patience, untilFree } from './lock.ts'

/** One read-only connection. */
export class Reader {
  readonly connection: Connection
  readonly #begin: StatementSync
  readonly #rollback: StatementSync

  constructor(place: Place) {
    this.connection = new Connection(place, 'read')
    this.#begin = this.connection.prepare('begin')
    this.#rollback = this.connection.prepare('rollback')
  }

  /** Begins a snapshot. A reader waits for nobody but a process that recovers the file after a crash. */
  async begin(patience: Patience): Promise<void> {
    try {
      this.connection.place.check()
      if (this.connection.db.isTransaction) this.#rollback.get()
      await untilFree(this.connection, patience, () => this.#snapshot())
    } catch (error) {
      throw statementError(error, this.connection.file, 'begin')
    }
  }

  end(): void {
    try {
      if (this.connection.db.isTransaction) this.#rollback.get()
    } catch {
      // The disk is broken: the next snapshot tries again before it begins, and says so.
    }
  }

  #snapshot(): void {
    if (!this.connection.db.isTransaction) this.#begin.get()
    this.connection.settleSnapshot()
  }
}

/** Read-only connections, opened as they are needed, up to a number; then readers wait in order. */
export class Readers {
  readonly #place: Place
  readonly #most: number
  #open = 0
  #idle: Reader[] = []
  #waiting: { take: (reader: Reader) => void; refuse: (error: SkerryError) => void }[] = []
  #closed: (() => void) | undefined

  constructor(place: Place, most: number) {
    this.#place = place
    this.#most = most
  }

  take(): Reader | Promise<Reader> {
    const idle = this.#idle.pop()
    if (idle) return idle
    if (this.#open >= this.#most) return new Promise((take, refuse) => this.#waiting.push({ take, refuse }))
    const reader = this.#openOne()
    this.#open++
    return reader
  }

  give(reader: Reader): void {
    const next = this.#waiting.shift()
    if (this.#closed) this.#drop(reader)
    else if (next) next.take(reader)
    else this.#idle.push(reader)
  }

  /** Resolves when the last reader is done. */
  async close(): Promise<void> {
    const last = new Promise<void>((resolve) => {
      this.#closed = resolve
    })
    const error = new SkerryError('closed', `the store ${this.#place.file} is closed`)
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(error)
    for (const reader of this.#idle.splice(0)) this.#drop(reader)
    if (this.#open > 0) await last
  }

  #openOne(): Reader {
    try {
      this.#place.check()
      return new Reader(this.#place)
    } catch (error) {
      throw statementError(error, this.#place.file, 'open')
    }
  }

  #drop(reader: Reader): void {
    reader.connection.close()
    this.#open--
    if (this.#open === 0) this.#closed?.()
  }
}
