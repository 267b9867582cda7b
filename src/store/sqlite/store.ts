import type { StatementSync } from 'node:sqlite'
import { SkerryError } from '../../errors.ts'
import type { CrashHook } from '../../telemetry.ts'
import { Line } from '../line.ts'
import type { ReadTx, Store, StoreOptions, StoreTx } from '../store.ts'
import { type Connection, first } from './connection.ts'
import { statementError } from './errors.ts'
import { bytesOnDisk } from './file.ts'
import { type Patience, untilFree } from './lock.ts'
import type { Readers } from './readers.ts'
import { Shrinker } from './shrink.ts'
import { SqliteStoreTx, SqliteTx } from './transaction.ts'

export interface SqliteStoreParts {
  readonly identity: string
  readonly writer: Connection
  readonly readers: Readers
  readonly patience: Patience
  readonly turn: StoreOptions['turn']
  readonly crash: CrashHook
}

/** A store in one SQLite file: one connection writes, a few read snapshots beside it. */
export class SqliteStore implements Store {
  readonly dialect = 'sqlite'
  readonly identity: string
  /** SQLite does not mind; this is where larger transactions gain nothing any more. */
  readonly savepointLimit = 512
  readonly #parts: SqliteStoreParts
  readonly #line = new Line()
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync
  readonly #dataVersion: StatementSync
  readonly #shrinker: Shrinker
  #version = 0
  #closing: Promise<void> | undefined

  constructor(parts: SqliteStoreParts) {
    this.#parts = parts
    this.identity = parts.identity
    this.#begin = parts.writer.prepare('begin immediate')
    this.#commit = parts.writer.prepare('commit')
    this.#rollback = parts.writer.prepare('rollback')
    this.#dataVersion = parts.writer.prepare('pragma data_version')
    this.#shrinker = new Shrinker(parts.writer)
  }

  async write<T>(work: (tx: StoreTx) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    await this.#line.enter()
    try {
      this.#mustBeOpen()
      const release = await this.#parts.turn?.()
      try {
        return await this.#transaction(work)
      } finally {
        release?.()
      }
    } finally {
      this.#line.leave()
    }
  }

  async read<T>(work: (tx: ReadTx) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    const { readers, patience } = this.#parts
    const reader = await readers.take()
    const tx = new SqliteTx(reader.connection)
    try {
      await reader.begin(patience)
      return await work(tx)
    } finally {
      tx.end()
      reader.end()
      readers.give(reader)
    }
  }

  /**
   * Asked on the writing connection, whose own commits do not count: it changes when another process, or another opener
   * in this one, has committed.
   */
  async version(): Promise<number> {
    this.#mustBeOpen()
    try {
      this.#version = first(this.#dataVersion) as number
    } catch {
      // The file is being recovered by another process: nothing can be told now, and the next question will.
    }
    return this.#version
  }

  async size(): Promise<number> {
    this.#mustBeOpen()
    return bytesOnDisk(this.#parts.writer.file)
  }

  /** Waits for the transaction that is running; those still in line are refused. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * Caps the file at so many pages of 4 KiB, which stands in for a full disk in tests; a number below its present size
   * means the present size.
   */
  limitPages(pages: number): void {
    this.#parts.writer.db.exec(`pragma max_page_count = ${Math.trunc(pages)}`)
  }

  async #close(): Promise<void> {
    await this.#line.enter()
    try {
      await this.#parts.readers.close()
      this.#parts.writer.close()
    } finally {
      this.#line.leave()
    }
  }

  async #transaction<T>(work: (tx: StoreTx) => Promise<T>): Promise<T> {
    const { writer } = this.#parts
    await this.#beginImmediate()
    const tx = new SqliteStoreTx(writer)
    let result: T
    try {
      result = await work(tx)
    } catch (error) {
      this.#undo()
      throw tx.reason(error)
    } finally {
      tx.end()
    }
    if (tx.doom) {
      this.#undo()
      throw tx.doom
    }
    this.#commitNow()
    return result
  }

  #commitNow(): void {
    const { writer, crash } = this.#parts
    crash('store.before-commit')
    try {
      this.#commit.get()
    } catch (error) {
      // A deferred constraint fails here and leaves the transaction open; a full disk may have ended it already.
      this.#undo()
      throw statementError(error, writer.file, 'commit')
    }
    crash('store.after-commit')
    this.#shrinker.afterCommit()
  }

  async #beginImmediate(): Promise<void> {
    const { writer, patience } = this.#parts
    try {
      writer.place.check()
      // A rollback that failed earlier, for a broken disk: nothing may start on top of it.
      if (writer.db.isTransaction) this.#rollback.get()
      await untilFree(writer, patience, () => this.#begin.get())
      writer.settleSnapshot()
    } catch (error) {
      this.#undo()
      throw statementError(error, writer.file, 'begin')
    }
  }

  #undo(): void {
    if (!this.#parts.writer.db.isTransaction) return
    try {
      this.#rollback.get()
    } catch {
      // The reason that led here is the one to report; the next transaction tries again before it begins.
    }
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new SkerryError('closed', `the store ${this.#parts.writer.file} is closed`)
  }
}
