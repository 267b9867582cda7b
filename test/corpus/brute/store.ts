import type { StatementSync } from 'node:sqlite'
import type { AnyService } from '../../../src/service.ts'
import { loadMigrations } from '../../../src/store/migrations.ts'
import { Connection } from '../../../src/store/sqlite/connection.ts'
import type { Place } from '../../../src/store/sqlite/file.ts'
import { migrate } from '../../../src/store/sqlite/migrate.ts'
import { SqliteStoreTx, SqliteTx } from '../../../src/store/sqlite/transaction.ts'
import { systemClock } from '../../../src/time.ts'

interface Table {
  readonly name: string
  readonly columns: readonly string[]
  /** Positions of the primary key's columns; all of them where there is none. */
  readonly key: readonly number[]
}

export type Rows = ReadonlyMap<string, readonly (readonly unknown[])[]>

/**
 * A service's store in memory, on the statements, values and savepoints of the real one. It runs inside of one
 * transaction that never commits, so that any state can be had again by rolling back to a savepoint.
 */
export class MemoryStore {
  readonly #connection: Connection
  readonly #tables: readonly Table[]
  readonly #statements = new Map<string, StatementSync>()
  #depth = 0

  constructor(connection: Connection, opaque: ReadonlySet<string>) {
    this.#connection = connection
    this.#tables = tablesOf(connection, opaque)
    connection.db.exec('begin')
  }

  static async open(service: AnyService, opaque: readonly string[]): Promise<MemoryStore> {
    const connection = new Connection({ file: ':memory:', check() {} } as unknown as Place, 'write')
    const migrations = await loadMigrations(service.options.migrations, 'sqlite')
    await migrate(connection, migrations, { clock: systemClock, random: () => 0, busyMs: 0 })
    const own = opaque
      .filter((name) => name.startsWith(`${service.name}.`))
      .map((name) => name.slice(service.name.length + 1))
    return new MemoryStore(connection, new Set(own))
  }

  transaction(): SqliteStoreTx {
    return new SqliteStoreTx(this.#connection)
  }

  reading(): SqliteTx {
    return new SqliteTx(this.#connection)
  }

  /** Marks a state; the returned functions go back to it, and forget the mark. */
  mark(): { back(): void; drop(): void } {
    const name = `mark${this.#depth++}`
    const { db } = this.#connection
    db.exec(`savepoint ${name}`)
    return {
      back: () => db.exec(`rollback to ${name}`),
      drop: () => {
        db.exec(`rollback to ${name}; release ${name}`)
        this.#depth--
      },
    }
  }

  /** Every row of the service's own tables, without opaque columns, in an order that depends on values only. */
  rows(): Rows {
    const found = new Map<string, readonly (readonly unknown[])[]>()
    for (const { name, columns } of this.#tables) {
      const rows = this.#own(
        `select ${columns.map((c) => `"${c}"`).join(', ')} from "${name}"`,
      ).all() as unknown as unknown[][]
      if (rows.length > 1) rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      found.set(name, rows)
    }
    return found
  }

  /** Names of rows that one of the two has and the other has not, or has differently. */
  changed(before: Rows, after: Rows): Set<string> {
    const names = new Set<string>()
    for (const { name, key } of this.#tables) {
      const texts = (rows: Rows) => new Map((rows.get(name) ?? []).map((row) => [JSON.stringify(row), row]))
      const [old, now] = [texts(before), texts(after)]
      for (const [text, row] of [...old, ...now])
        if (!(old.has(text) && now.has(text))) names.add(`${name} ${JSON.stringify(key.map((at) => row[at]))}`)
    }
    return names
  }

  get tableNames(): readonly string[] {
    return this.#tables.map((table) => table.name)
  }

  /** True when the text gives no rows. */
  holds(sql: string): boolean {
    return this.#own(sql).get() === undefined
  }

  #own(text: string): StatementSync {
    const known = this.#statements.get(text) ?? this.#connection.prepare(text)
    this.#statements.set(text, known)
    return known
  }

  close(): void {
    this.#connection.close()
  }
}

function tablesOf(connection: Connection, opaque: ReadonlySet<string>): Table[] {
  const names = connection.db
    .prepare(
      "select name from sqlite_schema where type = 'table' and name not like 'skerry_%' and name not like 'sqlite_%'",
    )
    .all()
  return names.map(({ name }) => {
    const info = connection.db.prepare(`select name, pk from pragma_table_info('${name}')`).all()
    const shown = info.filter((column) => !opaque.has(`${name}.${column.name}`))
    const keyed = shown.flatMap((column, at) => (Number(column.pk) > 0 ? [at] : []))
    return {
      name: String(name),
      columns: shown.map((column) => String(column.name)),
      key: keyed.length > 0 ? keyed : shown.map((_, at) => at),
    }
  })
}
