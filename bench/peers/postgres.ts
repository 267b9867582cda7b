/** The PostgreSQL side of the exactly-once peers: the state that a handler changes, and what it has handled. */
import pg from 'pg'
import { serverOf } from '../contender.ts'
import type { Measured, Run } from '../types.ts'
import { KEYS, keyOf } from '../workload.ts'

const SCHEMA = `
  create table account (key text primary key, handled bigint not null);
  create table handled (id text primary key)`

/**
 * Claims the event and changes its row, or does neither if it was handled before: one statement, so one transaction
 * in one round trip. Both queues deliver at least once, so an effect that must happen once has to be idempotent.
 */
export const EFFECT = `
  fresh as (insert into handled (id) values ($1) on conflict do nothing returning id),
  changed as (update account set handled = handled + 1 where key = $2 and exists (select from fresh) returning key)`

export function openPool(run: Run, max: number): pg.Pool {
  const { host, port } = serverOf(run, 'postgresql')
  const pool = new pg.Pool({ host, port, user: 'postgres', database: 'postgres', max })
  // A connection that breaks while idle must not end the process; a query on it fails and tells.
  pool.on('error', report)
  pool.on('connect', (client) => client.on('error', report))
  return pool
}

export async function createState(pool: pg.Pool): Promise<void> {
  await pool.query(SCHEMA)
  const keys = Array.from({ length: KEYS }, (_, index) => keyOf(index))
  await pool.query('insert into account select key, 0 from unnest($1::text[]) as key', [keys])
}

/** Lost: events without their effect or without the event they emit. Duplicates: effects or emissions too many. */
export async function countEffects(
  pool: pg.Pool,
  run: Run,
  emitted: { readonly total: number; readonly distinct: number },
): Promise<Pick<Measured, 'lost' | 'duplicates'>> {
  const { rows } = await pool.query<{ changes: string; claims: string }>(
    'select (select sum(handled) from account) as changes, (select count(*) from handled) as claims',
  )
  const changes = Number(rows[0]?.changes)
  const claims = Number(rows[0]?.claims)
  return {
    lost: run.events - Math.min(changes, claims, emitted.distinct),
    duplicates: Math.max(changes - run.events, 0) + (emitted.total - emitted.distinct),
  }
}

function report(error: Error): void {
  process.stderr.write(`${error.message}\n`)
}
