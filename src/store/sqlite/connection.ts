import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Place } from './file.ts'
import { Guard } from './guard.ts'
import { Statements } from './statements.ts'

/** One SQLite connection with its statements. It never waits for a lock: waiting would stop the whole process. */
export class Connection {
  readonly db: DatabaseSync
  readonly place: Place
  readonly guard: Guard
  readonly statements: Statements
  readonly #schemaVersion: StatementSync
  #knownSchema: unknown

  constructor(place: Place, mode: 'write' | 'read') {
    this.place = place
    this.db = new DatabaseSync(place.file, { readOnly: mode === 'read', timeout: 0, enableForeignKeyConstraints: true })
    this.guard = new Guard(this.db)
    this.statements = new Statements(this.db, this.guard, mode === 'read')
    this.db.exec('pragma temp_store = memory')
    this.#schemaVersion = this.prepare('pragma schema_version')
  }

  get file(): string {
    return this.place.file
  }

  /** A statement that only this store's machinery runs: results are arrays. */
  prepare(text: string): StatementSync {
    const statement = this.db.prepare(text)
    statement.setReturnArrays(true)
    return statement
  }

  /** Runs a statement that gives one value. */
  value(text: string): unknown {
    return first(this.prepare(text))
  }

  /** Reads from the snapshot that has just begun, which fixes it, and forgets statements if tables have changed since. */
  settleSnapshot(): void {
    const version = first(this.#schemaVersion)
    if (version === this.#knownSchema) return
    this.#knownSchema = version
    // SQLite learns of the change when a statement runs, not when one is prepared: until then it would name old columns.
    this.db.exec('select 1 from sqlite_schema')
    this.statements.clear()
  }

  close(): void {
    if (this.db.isOpen) this.db.close()
  }
}

export function first(statement: StatementSync): unknown {
  return (statement.get() as unknown as unknown[] | undefined)?.[0]
}
