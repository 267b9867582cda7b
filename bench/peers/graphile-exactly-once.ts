/**
 * graphile-worker: exactly-once handling in one PostgreSQL transaction. The handler changes a row and emits an event
 * with the SQL function `graphile_worker.add_job` in the same statement; the queue delivers at least once, so the
 * statement claims the event's id as well. That is one transaction in one round trip, fewer than any other way.
 *
 * Settings: the starting point of its documentation's "Performance" page, batching included, which does better here
 * than the settings of that page's record. Each `add_job` notifies, and PostgreSQL lets transactions that notify
 * commit only one after another. Time ends with the last handler's commit; releasing the jobs, which batching does
 * later, is not charged to it.
 */
import { Logger, makeWorkerUtils, run as runWorker, type WorkerUtils } from 'graphile-worker'
import type pg from 'pg'
import { nowUs } from '../clock.ts'
import { contend, serverOf } from '../contender.ts'
import type { Run } from '../types.ts'
import { emitted, type Payload, payload } from '../workload.ts'
import { countEffects, createState, EFFECT, openPool } from './postgres.ts'

const BULK = 1_000

const HANDLE = `with ${EFFECT}
  select (graphile_worker.add_job('emitted', $3::json)).id from changed`

const EMITTED = `
  select count(*) as total, count(distinct job.payload ->> 'id') as distinct
  from graphile_worker._private_jobs as job join graphile_worker._private_tasks as task on task.id = job.task_id
  where task.identifier = 'emitted'`

const SETTINGS = {
  concurrentJobs: 10,
  maxPoolSize: 12,
  localQueue: { size: 11 },
  completeJobBatchDelay: 250,
  failJobBatchDelay: 250,
}

const silent = new Logger(() => () => {})

await contend(async (run) => {
  const pool = openPool(run, SETTINGS.maxPoolSize)
  await createState(pool)
  const utils = await makeWorkerUtils({ pgPool: pool, logger: silent })
  await utils.migrate()
  await fill(utils, run.events)

  const started = nowUs()
  const stop = await handleAll(run, pool)
  const elapsedMs = (nowUs() - started) / 1_000
  await stop()

  const { rows } = await pool.query<{ total: string; distinct: string }>(EMITTED)
  const sent = { total: Number(rows[0]?.total), distinct: Number(rows[0]?.distinct) }
  return { events: run.events, elapsedMs, ...(await countEffects(pool, run, sent)) }
})

async function fill(utils: WorkerUtils, events: number): Promise<void> {
  for (let first = 0; first < events; first += BULK) {
    const length = Math.min(BULK, events - first)
    await utils.addJobs(
      Array.from({ length }, (_, offset) => ({ identifier: 'event', payload: payload(first + offset) })),
    )
  }
}

async function handleAll(run: Run, pool: pg.Pool): Promise<() => Promise<void>> {
  const { host, port } = serverOf(run, 'postgresql')
  let handled = 0
  let finish: () => void = () => {}
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  const runner = await runWorker({
    pgPool: pool,
    logger: silent,
    noHandleSignals: true,
    preset: { worker: { ...SETTINGS, connectionString: `postgres://postgres@${host}:${port}/postgres` } },
    taskList: {
      event: async (data, helpers) => {
        const event = data as Payload
        const values = [event.id, event.key, JSON.stringify(emitted(event))]
        await helpers.withPgClient((client) => client.query({ name: 'handle', text: HANDLE, values }))
        if (++handled === run.events) finish()
      },
    },
  })
  await done
  return () => runner.stop()
}
