import { drizzle as overPostgres, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import { drizzle as overSqlite, type SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'
import type { Sql } from 'skerry'

/**
 * Drizzle over a handler's own transaction, by its drivers for databases that are reached through a function: here the
 * function is `tx.sql`. To be copied into a project. Transactions of Drizzle's own are refused, since the handler is in one already;
 * columns of one name must be told apart by aliases, since rows come by their names.
 */
export function sqliteDrizzle({ sql }: { readonly sql: Sql }): SqliteRemoteDatabase {
  return overSqlite(async (text, params, method) => {
    const rows = (await sql(templateOf(text.split('?'), params), ...params)).map(Object.values)
    return { rows: method === 'get' ? (rows[0] as unknown[]) : rows }
  })
}

export function postgresDrizzle({ sql }: { readonly sql: Sql }): PgRemoteDatabase {
  return overPostgres(async (text, params, method) => {
    const rows = await sql(templateOf(text.split(/\$\d+/), params), ...params)
    return { rows: method === 'all' ? rows.map(Object.values) : rows }
  })
}

/** Statements are prepared once for each template: the same text gets the same one. */
const templates = new Map<string, TemplateStringsArray>()

function templateOf(parts: string[], params: readonly unknown[]): TemplateStringsArray {
  if (parts.length !== params.length + 1) throw new Error(`${parts.length - 1} places for ${params.length} values`)
  const known = templates.get(parts.join('\0'))
  if (known) return known
  const template = Object.assign(parts, { raw: parts }) as TemplateStringsArray
  if (templates.size >= 1000) templates.clear()
  templates.set(parts.join('\0'), template)
  return template
}
