import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import { bookkeepingTables } from '../bookkeeping.ts'
import { type Applied, digestOf, planMigrations } from '../migrations.ts'
import type { Migration } from '../store.ts'
import type { Connection } from './connection.ts'
import { openError, statementError } from './errors.ts'
import { type Patience, untilFree } from './lock.ts'
import { fetch } from './statements.ts'

/** Another process may be at a migration of its own for this long before an opener gives up, in milliseconds. */
const MIGRATION_PATIENCE_MS = 30_000

/**
 * Brings a store up to what this code needs, and returns its identity. Whoever has the write lock goes first; the others
 * look again when they have it. A store that needs nothing is opened without any lock.
 */
export async function migrate(
  connection: Connection,
  migrations: readonly Migration[] | 'any',
  patience: Patience,
): Promise<string> {
  const waiting = { ...patience, busyMs: Math.max(patience.busyMs, MIGRATION_PATIENCE_MS) }
  await untilFree(connection, waiting, () => connection.settleSnapshot())
  if (!hasTables(connection)) await inTransaction(connection, waiting, createTables)
  if (migrations !== 'any') await bringUp(connection, migrations, waiting)
  connection.settleSnapshot()
  return identity(connection)
}

async function bringUp(connection: Connection, migrations: readonly Migration[], patience: Patience): Promise<void> {
  // Tables are rebuilt by dropping the old one, which must not empty those that refer to it; they are checked after.
  connection.db.exec('pragma foreign_keys = off')
  while (planMigrations(migrations, applied(connection)).length > 0)
    await inTransaction(connection, patience, () => applyNext(connection, migrations, patience.clock.wall()))
  connection.db.exec('pragma foreign_keys = on')
}

async function inTransaction(
  connection: Connection,
  patience: Patience,
  step: (connection: Connection) => void,
): Promise<void> {
  await untilFree(connection, patience, () => connection.db.exec('begin immediate'))
  try {
    connection.settleSnapshot()
    step(connection)
    connection.db.exec('commit')
  } finally {
    if (connection.db.isTransaction) connection.db.exec('rollback')
  }
}

function createTables(connection: Connection): void {
  for (const table of bookkeepingTables('sqlite')) connection.db.exec(table)
  connection.statements.clear()
  const { prepared } = connection.statements.own(
    `insert into skerry_meta (name, value) values ('identity', ?) on conflict do nothing`,
  )
  prepared.run(randomIdentity())
}

function hasTables(connection: Connection): boolean {
  const names = bookkeepingTables('sqlite').map((text) => /if not exists (\w+)/.exec(text)?.[1])
  const there = new Set(fetch(connection.statements.own('select name from sqlite_schema'), []).map((row) => row.name))
  return names.every((name) => there.has(name))
}

function applyNext(connection: Connection, migrations: readonly Migration[], at: number): void {
  const next = planMigrations(migrations, applied(connection))[0]
  if (!next) return
  try {
    connection.guard.watch('migration', next.sql, () => connection.db.exec(next.sql))
    const broken = connection.prepare('pragma foreign_key_check').get() as unknown as unknown[] | undefined
    if (broken) throw new Error(`table ${broken[0]} refers to a missing row of ${broken[2]}`)
  } catch (error) {
    const reason = statementError(error, connection.file, next.sql)
    const code =
      reason.code === 'statement_failed' || reason.code === 'statement_refused' ? 'migration_refused' : reason.code
    throw new SkerryError(code, `migration ${next.number} (${next.name}) failed and was undone: ${reason.message}`, {
      cause: error,
    })
  }
  connection.statements.clear()
  const record = connection.statements.own(
    'insert into skerry_migration (number, name, digest, additive, at) values (?, ?, ?, ?, ?)',
  )
  record.prepared.run(next.number, next.name, digestOf(next), next.additive ? 1 : 0, Math.trunc(at))
}

function applied(connection: Connection): Applied[] {
  const rows = fetch(
    connection.statements.own('select number, name, digest, additive from skerry_migration order by number'),
    [],
  )
  return rows.map((row) => ({ ...row, additive: row.additive === 1 }) as Applied)
}

function identity(connection: Connection): string {
  const value = fetch(connection.statements.own(`select value from skerry_meta where name = 'identity'`), [])[0]?.value
  if (typeof value !== 'string')
    throw openError(
      new SkerryError('not_a_database', `${connection.file} has lost its identity; restore it from a copy`),
      connection.file,
    )
  return value
}
