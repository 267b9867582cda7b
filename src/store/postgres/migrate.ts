import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import { bookkeepingTables } from '../bookkeeping.ts'
import { type Applied, digestOf, planMigrations } from '../migrations.ts'
import type { Migration } from '../store.ts'
import { statementError, stateOf } from './errors.ts'
import { beginRead, lockTable } from './frames.ts'
import { guardMigration } from './guard.ts'
import { literal, type Place, quoted } from './place.ts'
import type { Session } from './session.ts'
import { PostgresStoreTx } from './transaction.ts'

/** Another process may be at a migration of its own, or a writer at work, for this long before an opener gives up. */
const PATIENCE_MS = 25_000

/** The oldest version that is tried. */
const oldest = { number: 130_000, name: '13' }

/** Tables of this engine alone, beside Skerry's own: who writes beside whom, and how often each opener has committed. */
const engineTables = [
  'create table if not exists skerry_lock ()',
  `create table if not exists skerry_opener (
    id text primary key, commits bigint not null default 1, at timestamptz not null default now())`,
]

/** Rows that every batch rewrites stay on their page, so that no index entry is added: those are what batches conflict over. */
const roomy = ['skerry_share', 'skerry_position', 'skerry_counter', 'skerry_opener', 'skerry_member', 'skerry_meta']

/**
 * Brings a store up to what this code needs, and returns its identity. One process does it, under a lock; the others look
 * again when they have it. A store that needs nothing is opened without any lock.
 */
export async function migrate(
  session: Session,
  migrations: readonly Migration[] | 'any',
  wall: number,
): Promise<string> {
  const { place } = session.wire
  await refuseOld(session)
  if (!(await isThere(session))) await locked(session, create)
  if (migrations !== 'any')
    while (planMigrations(migrations, await applied(session)).length > 0)
      await locked(session, (tx) => applyNext(session, tx, migrations, wall))
  return identity(session, place)
}

async function refuseOld({ wire }: Session): Promise<void> {
  const { rows } = await wire.control('show server_version_num')
  const found = Number(rows[0]?.[0])
  if (found >= oldest.number) return
  throw new SkerryError(
    'capability_absent',
    `${wire.place.name}: PostgreSQL ${Math.floor(found / 10_000)}.${found % 10_000} is too old; ${oldest.name} or later is needed`,
  )
}

async function isThere({ wire }: Session): Promise<boolean> {
  const { rows } = await wire.control(
    `select to_regclass(${literal(`${quoted(wire.place.schema)}.skerry_migration`)}) is not null`,
  )
  return rows[0]?.[0] === 't'
}

/** Runs a step while nobody else sets the store up, and nobody writes to it. */
async function locked(session: Session, step: (tx: PostgresStoreTx) => Promise<void>): Promise<void> {
  const { place } = session.wire
  const tx = new PostgresStoreTx(session, [
    'begin isolation level read committed',
    `set local lock_timeout = ${PATIENCE_MS}`,
    // Before the schema is there, nothing else can be locked.
    `select pg_advisory_xact_lock(hashtextextended(${literal(place.schema)}, 0))`,
    `set local search_path = ${quoted(place.schema)}`,
  ])
  try {
    await step(tx)
    const doom = await tx.doom()
    if (doom) throw doom
  } catch (error) {
    await tx.undo()
    throw error
  }
  await tx.commit(session.wire.controlStep('select 1'))
}

async function create(tx: PostgresStoreTx): Promise<void> {
  const { schema, service, app } = tx.place
  const [there] = await tx.all('select 1 from pg_namespace where nspname = ?', schema)
  if (!there) await tx.run(`create schema ${quoted(schema)}`)
  for (const table of [...engineTables, ...bookkeepingTables('postgres')]) await tx.run(table)
  for (const table of roomy) await tx.run(`alter table ${table} set (fillfactor = 20)`)
  await tx.run(
    `insert into skerry_meta (name, value) values ('identity', ?), ('service', ?), ('app', ?) on conflict (name) do nothing`,
    randomIdentity(),
    service,
    app,
  )
}

async function applyNext(
  session: Session,
  tx: PostgresStoreTx,
  migrations: readonly Migration[],
  wall: number,
): Promise<void> {
  await tx.run(`lock table ${lockTable(tx.place.schema)} in exclusive mode`)
  // Whoever lives keeps books, and compares what it has counted when it connects anew.
  await tx.run(
    `delete from skerry_opener old where not exists
     (select from skerry_opener one where left(one.id, 32) = left(old.id, 32) and one.at > now() - interval '1 day')`,
  )
  const next = planMigrations(migrations, await applied(session, tx))[0]
  if (!next) return
  try {
    guardMigration(next.sql)
    await session.wire.script(next.sql)
  } catch (error) {
    const reason = statementError(error, tx.place.name, next.sql)
    const ours = error instanceof SkerryError ? reason.code === 'statement_refused' : stateOf(error) !== ''
    const code =
      ours && ['statement_failed', 'statement_refused'].includes(reason.code) ? 'migration_refused' : reason.code
    throw new SkerryError(code, `migration ${next.number} (${next.name}) failed and was undone: ${reason.message}`, {
      cause: error,
    })
  }
  await tx.run(
    'insert into skerry_migration (number, name, digest, additive, at) values (?, ?, ?, ?, ?)',
    next.number,
    next.name,
    digestOf(next),
    next.additive ? 1 : 0,
    Math.trunc(wall),
  )
}

async function applied(session: Session, within?: PostgresStoreTx): Promise<Applied[]> {
  const tx = within ?? new PostgresStoreTx(session, beginRead(session.wire.place))
  try {
    const rows = await tx.all('select number, name, digest, additive from skerry_migration order by number')
    return rows.map((row) => ({ ...row, additive: row.additive === 1 }) as Applied)
  } finally {
    if (!within) await tx.undo()
  }
}

async function identity({ wire }: Session, place: Place): Promise<string> {
  const { rows } = await wire.control(`select value from ${quoted(place.schema)}.skerry_meta where name = 'identity'`)
  const value = rows[0]?.[0]
  if (value) return value
  throw new SkerryError('not_a_database', `${place.name} has lost its identity; restore it from a copy`)
}
