import { constants, type DatabaseSync } from 'node:sqlite'
import { SkerryError } from '../../errors.ts'
import { firstLine } from '../text.ts'

/** Whose statement is being prepared: rules differ, and Skerry's own have none. */
export type Author = 'skerry' | 'handler' | 'migration'

const transactionControl = 'Skerry begins and commits; throw to undo'
const connectionControl = 'the connection is Skerry’s'
const schemaChange = 'tables change in migrations only'
const ownTables = 'skerry_ tables are Skerry’s own; use the `skerry` command to look at them'

export type Listener = (action: number, first: string | null, second: string | null, by: string | null) => void

/** Statements refused by their first word: SQLite asks its authorizer about most of these, but not about all. */
const refusedVerbs: Readonly<Record<string, string>> = {
  begin: transactionControl,
  commit: transactionControl,
  end: transactionControl,
  rollback: transactionControl,
  savepoint: transactionControl,
  release: transactionControl,
  pragma: connectionControl,
  attach: connectionControl,
  detach: connectionControl,
  vacuum: connectionControl,
  create: schemaChange,
  alter: schemaChange,
  drop: schemaChange,
  reindex: schemaChange,
  analyze: schemaChange,
}

const writes = new Set([constants.SQLITE_INSERT, constants.SQLITE_UPDATE, constants.SQLITE_DELETE])
const reads = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
])

/**
 * Watches statements while they are prepared, through SQLite's authorizer; running them again costs nothing.
 * Invariant: one prepare at a time, on one connection.
 */
export class Guard {
  #author: Author = 'skerry'
  #refusal = ''
  #writes = false

  /** `listen` is told of everything that SQLite asks about, and of the trigger or view that it is for. */
  constructor(db: DatabaseSync, listen?: Listener) {
    db.setAuthorizer((action, first, second, _schema, by) => {
      listen?.(action, first, second, by)
      return this.#judge(action, first, second)
    })
  }

  /** Runs `prepare` for an author; throws `statement_refused` when it did what that author may not. */
  watch<T>(author: Author, text: string, prepare: () => T): T {
    this.#author = author
    this.#refusal = ''
    this.#writes = false
    try {
      return prepare()
    } catch (error) {
      if (this.#refusal) throw refused(this.#refusal, text, error)
      throw error
    } finally {
      this.#author = 'skerry'
    }
  }

  /** Whether the statement prepared last changes rows. */
  get lastWrites(): boolean {
    return this.#writes
  }

  #judge(action: number, first: string | null, second: string | null): number {
    if (writes.has(action)) this.#writes = true
    if (this.#author === 'skerry') return constants.SQLITE_OK
    const reason = this.#author === 'handler' ? forHandler(action) : forMigration(action, first)
    this.#refusal ||= reason || (isOurs(first) || isOurs(second) ? ownTables : '')
    return this.#refusal ? constants.SQLITE_DENY : constants.SQLITE_OK
  }
}

function forHandler(action: number): string {
  if (writes.has(action) || reads.has(action)) return ''
  if (action === constants.SQLITE_PRAGMA) return connectionControl
  return forMigration(action, null) || schemaChange
}

function forMigration(action: number, first: string | null): string {
  if (action === constants.SQLITE_TRANSACTION || action === constants.SQLITE_SAVEPOINT) return transactionControl
  if (action === constants.SQLITE_ATTACH || action === constants.SQLITE_DETACH) return connectionControl
  // Full-text tables ask for this one themselves.
  if (action === constants.SQLITE_PRAGMA && first !== 'data_version')
    return `${connectionControl}; migrations need no pragma: foreign keys are checked when one is done`
  return ''
}

function isOurs(name: string | null): boolean {
  return name !== null && name.length >= 7 && name.slice(0, 7).toLowerCase() === 'skerry_'
}

export function refuseVerb(verb: string, text: string): void {
  const reason = Object.hasOwn(refusedVerbs, verb) ? refusedVerbs[verb] : undefined
  if (reason) throw refused(reason, text)
}

function refused(reason: string, text: string, cause?: unknown): SkerryError {
  return new SkerryError('statement_refused', `refused: ${reason} (statement: ${firstLine(text)})`, { cause })
}
