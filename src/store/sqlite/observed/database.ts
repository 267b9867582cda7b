import { constants, DatabaseSync, type StatementSync } from 'node:sqlite'
import { SkerryError } from '../../../errors.ts'
import { loadMigrations } from '../../migrations.ts'
import type { Migration, Plain, Row, Rows } from '../../store.ts'
import { firstLine } from '../../text.ts'
import { narrow } from '../../values.ts'
import { statementError } from '../errors.ts'
import { Guard } from '../guard.ts'
import { query, Statements } from '../statements.ts'
import { type Accesses, noAccesses, type Read } from './access.ts'
import { type Ambient, replaceAmbient } from './ambient.ts'
import { type Mentioned, type Shape, shapeOf } from './shape.ts'
import { readSchema, type Schema, type Table } from './tables.ts'
import { type Change, quoted, watching, watchTables } from './watch.ts'

const fewRows = 12

export interface ObservedOptions {
  readonly name: string
  readonly migrations?: URL | readonly Migration[] | undefined
  readonly ambient: Ambient
}

/**
 * A service's store in memory, which says what each statement looked at and changed, and which goes back to any earlier
 * moment. For running handlers again and again, never for keeping anything.
 */
export class ObservedDatabase {
  readonly name: string
  schema: Schema
  #depth = 0
  readonly #db: DatabaseSync
  readonly #helper: { close(): void }
  readonly #statements: Statements
  readonly #shapes = new WeakMap<TemplateStringsArray, Shape>()
  readonly #marks: { readonly open: StatementSync; readonly undo: StatementSync; readonly keep: StatementSync }[] = []
  #beginning: ReadonlyMap<string, readonly Row[]> = new Map()
  readonly #some = new Map<string, StatementSync>()
  #accesses: Accesses = noAccesses()
  #site = ''
  #shape: Shape | undefined
  #mentioned: Mentions | undefined

  private constructor(options: ObservedOptions, migrations: readonly Migration[]) {
    this.name = options.name
    this.#db = new DatabaseSync(':memory:', { enableForeignKeyConstraints: true })
    const asked = (what: string): void => void this.#accesses.ambient.add(`${what} at ${this.#site || 'a migration'}`)
    this.#helper = replaceAmbient(this.#db, { ...options.ambient, asked })
    const guard = new Guard(this.#db, (...said) => this.#mentioned?.note(...said))
    for (const { sql, number, name } of migrations) this.#migrate(guard, sql, `${number} (${name})`)
    this.schema = readSchema(this.#db)
    watchTables(this.#db, this.schema, (...change) => this.#changed(...change))
    this.#statements = new Statements(this.#db, guard, false)
  }

  static async open(options: ObservedOptions): Promise<ObservedDatabase> {
    return new ObservedDatabase(options, await loadMigrations(options.migrations, 'sqlite'))
  }

  /** Remembers the rows that are there now, for `restart`. */
  keepBeginning(): void {
    this.#beginning = this.dump()
  }

  /** How many moments it can go back to. */
  get depth(): number {
    return this.#depth
  }

  /** Makes this moment one that `back` can return to. */
  mark(): number {
    const at = this.#depth++
    this.#markAt(at).open.run()
    return at
  }

  /** Undoes everything since the moment, and forgets it and all later ones. */
  back(to: number): void {
    if (to >= this.#depth) return
    this.#markAt(to).undo.run()
    this.#markAt(to).keep.run()
    this.#depth = to
  }

  /** Keeps everything since the moment, and forgets it and all later ones. */
  keep(to: number): void {
    this.#markAt(to).keep.run()
    this.#depth = to
  }

  /** Collects what is touched from here on, apart from what was before or together with it. */
  watch(into: Accesses = noAccesses()): Accesses {
    this.#accesses = into
    return into
  }

  /** Runs a handler's statement. Throws as a store's does. */
  query(template: TemplateStringsArray, values: readonly unknown[], site: string, mode: 'read' | 'write'): Rows {
    this.#site = site
    try {
      const statement = this.#statements.users(this.#shaped(template))
      const shape = this.#shapes.get(template) as Shape
      if (mode === 'read' && shape.writes)
        throw new SkerryError(
          'statement_refused',
          `refused: only reading here; write in \`handle\` (statement: ${firstLine(statement.text)})`,
        )
      this.#shape = shape
      const bound = values.slice()
      try {
        const rows = query(statement, bound)
        this.#look(shape, bound as Plain[])
        return rows
      } catch (error) {
        // How far it got is not known: it may have looked anywhere in its tables.
        for (const table of shape.mentions)
          this.#accesses.reads.push({ table, terms: undefined, columns: undefined, site })
        throw error
      }
    } catch (error) {
      throw statementError(error, this.name, template.join('?'))
    }
  }

  /** Every row of every table as it is now, for comparing whole states and for questions of one's own. */
  dump(): Map<string, Row[]> {
    const rows = [...this.schema.tables.keys()].map((table): [string, Row[]] => [
      table,
      this.#db.prepare(`select * from ${quoted(table)}`).all() as Row[],
    ])
    return new Map(rows)
  }

  /** Puts every table back to the rows that the migrations made; like any change it can be undone. */
  restart(): void {
    this.#db.exec('pragma defer_foreign_keys = on')
    for (const table of this.schema.tables.keys()) this.#db.exec(`delete from ${quoted(table)}`)
    for (const [table, rows] of this.#beginning)
      for (const row of rows) {
        const [names, values] = [Object.keys(row), Object.values(row)]
        const text = `insert into ${quoted(table)} (${names.map(quoted).join(', ')}) values (${names.map(() => '?').join(', ')})`
        this.#db.prepare(text).run(...(values as Plain[]))
      }
  }

  /** A few rows of a table as they are now, by the names of columns in lower case. */
  some(table: string): Row[] {
    const statement = this.#some.get(table) ?? this.#selecting(table)
    return statement
      .all()
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, narrow(value)])))
  }

  /** Changes a value of the n-th row of a table, from 0, into another of its kind; false where that cannot be done. */
  vary(table: string, column: string, nth: number): boolean {
    if (!this.schema.tables.get(table)?.rowid) return false
    const asking = this.#db.prepare(
      `select rowid as at, ${quoted(column)} as value from ${quoted(table)} limit 1 offset ?`,
    )
    asking.setReadBigInts(true)
    const row = asking.get(nth)
    const other = row && otherThan(row.value)
    if (other === undefined) return false
    try {
      this.#db
        .prepare(`update ${quoted(table)} set ${quoted(column)} = ? where rowid = ?`)
        .run(other, row?.at as bigint)
      return true
    } catch {
      // A constraint forbids it: then no row can have it.
      return false
    }
  }

  #selecting(table: string): StatementSync {
    const columns = this.schema.tables.get(table)?.columns ?? []
    const named = columns.map((column) => `${quoted(column)} as ${quoted(column)}`).join(', ')
    const statement = this.#db.prepare(`select ${named} from ${quoted(table)} limit ${fewRows}`)
    statement.setReadBigInts(true)
    this.#some.set(table, statement)
    return statement
  }

  close(): void {
    this.#db.close()
    this.#helper.close()
  }

  #markAt(at: number) {
    this.#marks[at] ??= {
      open: this.#db.prepare(`savepoint m${at}`),
      undo: this.#db.prepare(`rollback to m${at}`),
      keep: this.#db.prepare(`release m${at}`),
    }
    return this.#marks[at]
  }

  #migrate(guard: Guard, sql: string, which: string): void {
    try {
      this.#db.exec('pragma foreign_keys = off')
      guard.watch('migration', sql, () => this.#db.exec(sql))
      this.#db.exec('pragma foreign_keys = on')
    } catch (error) {
      const { message } = statementError(error, this.name, sql)
      throw new SkerryError('migration_refused', `${this.name}: migration ${which} failed: ${message}`, {
        cause: error,
      })
    }
  }

  /** Prepares the statement while listening to what SQLite says about it, once for each call site. */
  #shaped(template: TemplateStringsArray): TemplateStringsArray {
    if (this.#shapes.has(template)) return template
    const mentioned = new Mentions()
    this.#mentioned = mentioned
    try {
      const { text } = this.#statements.users(template)
      this.#shapes.set(template, shapeOf(text, mentioned, this.schema))
    } finally {
      this.#mentioned = undefined
    }
    return template
  }

  #look(shape: Shape, bound: readonly Plain[]): void {
    const { reads, blind } = this.#accesses
    for (const { table, terms, columns, toChange } of shape.looks) {
      const narrowed = terms?.map(({ column, value }) => ({
        column,
        value: 'literal' in value ? value.literal : (bound[value.parameter] as Plain),
      }))
      reads.push({ table, terms: narrowed, columns, toChange, site: this.#site })
    }
    for (const table of shape.blind) blind.add(table)
  }

  #changed(change: Change, table: Table, before: readonly Plain[], after: readonly Plain[]): void {
    if (change === 'try') this.#tried(table, after)
    else this.#wrote(change, table, before, after)
  }

  #wrote(change: Change, table: Table, before: readonly Plain[], after: readonly Plain[]): void {
    const site = this.#site
    const assigned = change === 'update' ? (this.#shape?.assigns.get(table.name) ?? new Set<string>()) : undefined
    const image = { before: change === 'insert' ? undefined : before, after: change === 'delete' ? undefined : after }
    this.#accesses.writes.push({ table: table.name, ...image, assigned, site })
    if (change === 'update') this.#accesses.reads.push(...this.#unique(table, after))
    if (change !== 'delete') this.#accesses.reads.push(...this.#parents(table, after))
    if (change !== 'insert') this.#accesses.reads.push(...this.#children(table, before))
  }

  /** Whether a row goes in depends on the rows that have its unique values, and on those that it refers to. */
  #tried(table: Table, row: readonly Plain[]): void {
    const { reads } = this.#accesses
    reads.push(...this.#unique(table, row), ...this.#parents(table, row))
    const number = table.numbered ? row[table.key[0] as number] : undefined
    // SQLite says −1 for a number that it is yet to choose: it depends on every row that is there.
    if (number === -1 || number === null)
      reads.push({ table: table.name, terms: undefined, columns: undefined, site: this.#site })
  }

  /** A look at the rows that hold the same unique values as this one, and at what the statement makes of them. */
  #unique(table: Table, row: readonly Plain[]): Read[] {
    const site = this.#site
    if (!table.unique) return [{ table: table.name, terms: undefined, columns: undefined, site }]
    const columns = this.#shape?.reads.get(table.name) ?? new Set<string>()
    return table.unique
      .filter((set) => set.every((at) => row[at] !== null))
      .map((set) => ({
        table: table.name,
        terms: set.map((column) => ({ column, value: row[column] as Plain })),
        columns,
        site,
      }))
  }

  #parents(table: Table, row: readonly Plain[]): Read[] {
    return table.refers.flatMap(({ columns, table: parent, to }) => {
      const target = this.schema.tables.get(parent)
      if (!target || columns.some((at) => row[at] === null)) return []
      const keys = to.length > 0 ? to.map((name) => target.columns.indexOf(name)) : target.key
      const terms = keys.map((column, i) => ({ column, value: row[columns[i] as number] as Plain }))
      return [{ table: parent, terms, columns: new Set<string>(), site: this.#site }]
    })
  }

  #children(table: Table, row: readonly Plain[]): Read[] {
    return [...this.schema.tables.values()].flatMap((child) =>
      child.refers
        .filter((reference) => reference.table === table.name)
        .map(({ columns, to }) => {
          const keys = to.length > 0 ? to.map((name) => table.columns.indexOf(name)) : table.key
          const terms = columns.map((column, i) => ({ column, value: row[keys[i] as number] as Plain }))
          return { table: child.name, terms, columns: new Set<string>(), site: this.#site }
        }),
    )
  }
}

const dayMs = 86_400_000

/** Another value of the same kind; a moment stays one. */
function otherThan(value: unknown): string | number | bigint | undefined {
  if (typeof value === 'bigint') return value + 1n
  if (typeof value === 'number') return value + 1
  if (typeof value !== 'string') return undefined
  const isMoment = /^\d{4}-\d{2}-\d{2}T.*Z$/.test(value) && !Number.isNaN(Date.parse(value))
  return isMoment ? new Date(Date.parse(value) + dayMs).toISOString() : `${value}~`
}

/** Collects what the authorizer is asked about, but for what our own triggers do. */
class Mentions implements Mentioned {
  readonly reads = new Map<string, Set<string>>()
  readonly updates = new Map<string, Set<string>>()
  readonly inserts = new Set<string>()
  readonly deletes = new Set<string>()
  readonly indirect = new Set<string>()

  note(action: number, first: string | null, second: string | null, by: string | null): void {
    if (by?.startsWith(watching) || first === null) return
    const table = first.toLowerCase()
    if (by !== null) this.indirect.add(table)
    if (action === constants.SQLITE_READ) into(this.reads, table, second)
    else if (action === constants.SQLITE_UPDATE) into(this.updates, table, second)
    else if (action === constants.SQLITE_INSERT) this.inserts.add(table)
    else if (action === constants.SQLITE_DELETE) this.deletes.add(table)
  }
}

function into(map: Map<string, Set<string>>, table: string, column: string | null): void {
  const columns = map.get(table) ?? new Set<string>()
  map.set(table, columns)
  if (column !== null && column !== '') columns.add(column.toLowerCase())
}
