import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { SkerryError } from './errors.ts'
import type { Sql } from './flow/handler.ts'
import type { Dialect as StoreDialect } from './store/store.ts'

/** What a query builder needs of a transaction: a handler's `tx`, or that of `app.read`. */
export interface Queryable {
  readonly sql: Sql
  readonly dialect: StoreDialect
}

/**
 * Kysely over a handler's own transaction, on either store: its statements are bound, guarded and undone like those of
 * `tx.sql`, and values map by the same table. It holds nothing that must be closed. Transactions and streams of Kysely's own are
 * refused with `statement_refused`: the handler is in one already.
 */
export function kysely<Tables>(tx: Queryable): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: tx.dialect === 'sqlite' ? sqlite(tx.sql) : postgres(tx.sql) })
}

/** Where a value belongs, until the statement is cut into a template there: no SQL holds this character. */
const hole = '\u0000'

class SqliteHoles extends SqliteQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return hole
  }
}

class PostgresHoles extends PostgresQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return hole
  }
}

function sqlite(sql: Sql): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driverOn(sql),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteHoles(),
  }
}

function postgres(sql: Sql): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driverOn(sql),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresHoles(),
  }
}

function driverOn(sql: Sql): Driver {
  const connection: DatabaseConnection = {
    executeQuery: <R>(query: CompiledQuery) => execute<R>(sql, query),
    streamQuery: () => refuse('a stream'),
  }
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    releaseConnection: async () => {},
    beginTransaction: async () => refuse('a transaction of its own'),
    commitTransaction: async () => refuse('a transaction of its own'),
    rollbackTransaction: async () => refuse('a transaction of its own'),
    destroy: async () => {},
  }
}

async function execute<R>(sql: Sql, { sql: text, parameters }: CompiledQuery): Promise<QueryResult<R>> {
  const rows = await sql<R>(templateOf(text), ...parameters)
  return { rows: [...rows], numAffectedRows: BigInt(rows.changes) }
}

/** Statements are prepared once for each template: the same text gets the same one. Bounded, since lists of values vary. */
const templates = new Map<string, TemplateStringsArray>()
const mostTemplates = 1000

function templateOf(text: string): TemplateStringsArray {
  const known = templates.get(text)
  if (known) return known
  if (templates.size >= mostTemplates) templates.clear()
  const parts = text.split(hole)
  const template = Object.assign(parts, { raw: parts }) as TemplateStringsArray
  templates.set(text, template)
  return template
}

function refuse(what: string): never {
  throw new SkerryError('statement_refused', `${what} is not for a handler: it is in a transaction already`)
}
