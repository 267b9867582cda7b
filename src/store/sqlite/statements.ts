import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { SkerryError } from '../../errors.ts'
import type { Row, Rows } from '../store.ts'
import { firstLine } from '../text.ts'
import { bindAll, narrow } from '../values.ts'
import { type Guard, refuseVerb } from './guard.ts'
import { countPlaceholders, scan } from './scan.ts'

/** Texts of Skerry's own are few and fixed; lists of varying length (`in (?, ?, …)`) make more of them. */
const MAX_TEXTS = 500

/** A prepared statement with what is needed to run it without asking again. */
export interface Statement {
  readonly text: string
  readonly prepared: StatementSync
  readonly placeholders: number
  /** Names of its result columns; empty when it gives no rows. */
  columns: readonly string[]
  /** It changes rows, so it can never be run a second time to read its result differently. */
  readonly writes: boolean
  /** Integers are read as bigint and narrowed: slower, and needed only once one was too large for a number. */
  wide: boolean
}

/** One connection's prepared statements. */
export class Statements {
  readonly #db: DatabaseSync
  readonly #guard: Guard
  readonly #readOnly: boolean
  #texts = new Map<string, Statement>()
  #templates = new WeakMap<TemplateStringsArray, Statement>()

  constructor(db: DatabaseSync, guard: Guard, readOnly: boolean) {
    this.#db = db
    this.#guard = guard
    this.#readOnly = readOnly
  }

  /** Skerry's own statement. */
  own(text: string): Statement {
    return this.#texts.get(text) ?? this.#prepareOwn(text)
  }

  /** A user's statement. */
  users(template: TemplateStringsArray): Statement {
    return this.#templates.get(template) ?? this.#prepareUsers(template)
  }

  /** Forgets them all: tables have changed, and with them what statements mean and which columns they give. */
  clear(): void {
    this.#texts = new Map()
    this.#templates = new WeakMap()
  }

  #prepareOwn(text: string): Statement {
    const statement = this.#guard.watch('skerry', text, () => this.#prepare(text, countPlaceholders(text)))
    if (this.#texts.size >= MAX_TEXTS) this.#texts.delete(this.#texts.keys().next().value as string)
    this.#texts.set(text, statement)
    return statement
  }

  #prepareUsers(template: TemplateStringsArray): Statement {
    const { text, verb } = scan(template)
    refuseVerb(verb, text)
    const statement = this.#guard.watch('handler', text, () => this.#prepare(text, template.length - 1))
    if (this.#readOnly && statement.writes)
      throw new SkerryError(
        'statement_refused',
        `refused: only reading here; write in \`handle\` (statement: ${firstLine(text)})`,
      )
    this.#templates.set(template, statement)
    return statement
  }

  #prepare(text: string, placeholders: number): Statement {
    const prepared = this.#db.prepare(text)
    const columns = prepared.columns().map((column) => column.name)
    if (columns.includes('__proto__'))
      throw new SkerryError('statement_failed', 'a column is called __proto__; give it another name with `as`')
    const writes = this.#guard.lastWrites
    const wide = writes && columns.length > 0
    // Arrays and names of our own: node:sqlite's row objects have no prototype, and take longer to make.
    prepared.setReturnArrays(true)
    prepared.setReadBigInts(wide)
    return { text, prepared, placeholders, columns, writes, wide }
  }
}

/** Runs a statement for its rows. The values must be the caller's own array. */
export function fetch(statement: Statement, values: unknown[]): Row[] {
  checkCount(statement, values)
  const rows = fetchArrays(statement, values) as unknown[]
  const names = statement.columns
  for (let i = 0; i < rows.length; i++) rows[i] = toRow(names, rows[i] as unknown[], statement.wide)
  return rows as Row[]
}

/** Runs a statement for its effect; resolves to the number of changed rows. */
export function change(statement: Statement, values: unknown[]): number {
  checkCount(statement, values)
  if (statement.columns.length > 0) return countOf(statement, statement.prepared.all(...bindAll(values)))
  return statement.prepared.run(...bindAll(values)).changes as number
}

/** Runs a user's statement, whatever it is. */
export function query(statement: Statement, values: unknown[]): Rows {
  if (statement.columns.length === 0) return withChanges([], change(statement, values))
  const rows = fetch(statement, values)
  return withChanges(rows, countOf(statement, rows))
}

// `returning` gives one row for each that was changed, and nothing else does.
function countOf(statement: Statement, rows: readonly unknown[]): number {
  return statement.writes ? rows.length : 0
}

function fetchArrays(statement: Statement, values: unknown[]): unknown {
  const bound = bindAll(values)
  if (statement.wide || statement.writes) return statement.prepared.all(...bound)
  try {
    return statement.prepared.all(...bound)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // An integer too large for a number: read again, in 64 bits. Nothing but a pure read gets here.
    statement.wide = true
    statement.prepared.setReadBigInts(true)
    return statement.prepared.all(...bound)
  }
}

function toRow(names: readonly string[], values: readonly unknown[], wide: boolean): Row {
  const row: Row = {}
  for (let i = 0; i < names.length; i++) row[names[i] as string] = wide ? narrow(values[i]) : values[i]
  return row
}

const changesProperty = { value: 0, enumerable: false }

function withChanges(rows: Row[], changes: number): Rows {
  changesProperty.value = changes
  return Object.defineProperty(rows, 'changes', changesProperty) as unknown as Rows
}

function checkCount(statement: Statement, values: readonly unknown[]): void {
  if (values.length === statement.placeholders) return
  throw new SkerryError(
    'statement_failed',
    `the statement takes ${statement.placeholders} values and was given ${values.length} (statement: ${firstLine(statement.text)})`,
  )
}
