/**
 * pg-boss: exactly-once handling in one PostgreSQL transaction. Its transactional workers (`transactional`) run the
 * handler and the completion of its jobs in one transaction, and `send` takes part in it (`db`), so that the row changed,
 * the job emitted and the job completed commit together, and nothing needs to be idempotent.
 *
 * Settings: backlogs are inserted in bulk (`insert`); several workers in the process (`localConcurrency`), which fetch
 * without a pause while there is a backlog (`burstWhenReadyExceeds`, or `burstWhenBatchFull` for batches). With batches
 * (`batchSize`) all jobs of one share their transaction: one that fails takes the others back with it, which neither
 * Skerry's batches nor single jobs do. There jobs are handled in the order of their keys, since transactions side by side
 * that lock the same rows in other orders would deadlock. Time ends with the last commit.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Db, type Job, PgBoss } from 'pg-boss'
import { nowUs } from '../clock.ts'
import { contend, option, serverOf } from '../contender.ts'
import type { Measured, Run } from '../types.ts'
import { emitted, type Payload, payload } from '../workload.ts'
import { createState, openPool } from './postgres.ts'

const BULK = 1_000
/** The best of those tried between 2 and 16. */
const WORKERS = 8
/** A connection for each worker's transaction, and as many for what pg-boss asks beside them. */
const CONNECTIONS = 2 * WORKERS
/** How often it counts the backlog, by which workers know that there is one, in seconds: as often as it can. */
const COUNTS = { superviseIntervalSeconds: 1, monitorIntervalSeconds: 1, queueCacheIntervalSeconds: 1 }

const EMITTED = `
  select count(*) as total, count(distinct data ->> 'id') as distinct from pgboss.job where name = 'emitted'`
const LEFT = `select count(*) as left from pgboss.job where name = 'event' and state <> 'completed'`

await contend(async (run) => {
  const pool = openPool(run, 2)
  await createState(pool)
  const { host, port } = serverOf(run, 'postgresql')
  const database = { host, port, user: 'postgres', database: 'postgres', max: CONNECTIONS }
  const boss = new PgBoss({ ...database, ...COUNTS })
  boss.on('error', (error) => process.stderr.write(`${error.message}\n`))
  await boss.start()
  for (const queue of ['event', 'emitted']) await boss.createQueue(queue)
  await fill(boss, run.events)
  await counted(boss, run.events)

  const started = nowUs()
  await handleAll(run, boss, async () => Number((await pool.query(LEFT)).rows[0]?.left))
  const elapsedMs = (nowUs() - started) / 1_000
  await boss.stop({ graceful: false })

  const changes = Number((await pool.query('select sum(handled) as changes from account')).rows[0]?.changes)
  const sent = (await pool.query(EMITTED)).rows[0]
  return { events: run.events, elapsedMs, ...judged(run, changes, Number(sent?.total), Number(sent?.distinct)) }
})

async function fill(boss: PgBoss, events: number): Promise<void> {
  for (let first = 0; first < events; first += BULK) {
    const length = Math.min(BULK, events - first)
    await boss.insert(
      'event',
      Array.from({ length }, (_, offset) => ({ data: payload(first + offset) })),
    )
  }
}

/** Waits until it knows of the backlog. */
async function counted(boss: PgBoss, events: number): Promise<void> {
  while (((await boss.getQueue('event'))?.readyCount ?? 0) < events) await sleep(100)
  await sleep(COUNTS.queueCacheIntervalSeconds * 1_000)
}

/** Resolves after the last commit: handlers count, and once they have handled everything the server is asked. */
async function handleAll(run: Run, boss: PgBoss, left: () => Promise<number>): Promise<void> {
  const settings = {
    transactional: true,
    batchSize: option(run, 'batchSize', 1),
    localConcurrency: option(run, 'workers', WORKERS),
    // Of a batch of one every fetch is full, and the first of the two says nothing.
    burstWhenBatchFull: true,
    burstWhenReadyExceeds: 1,
    pollingIntervalSeconds: 0.5,
  } as const
  let handled = 0
  const done = Promise.withResolvers<void>()
  await boss.work('event', settings, async (jobs: Job<Payload>[], tx: Db) => {
    const inOrder = jobs.toSorted((a, b) => (a.data.key < b.data.key ? -1 : 1))
    for (const { data } of inOrder) {
      await tx.executeSql('update account set handled = handled + 1 where key = $1', [data.key])
      await boss.send('emitted', emitted(data), { db: tx })
    }
    handled += jobs.length
    if (handled >= run.events) done.resolve()
  })
  await done.promise
  while ((await left()) > 0) {}
}

function judged(run: Run, changes: number, total: number, distinct: number): Pick<Measured, 'lost' | 'duplicates'> {
  return {
    lost: run.events - Math.min(changes, distinct),
    duplicates: Math.max(changes - run.events, 0) + (total - distinct),
  }
}
