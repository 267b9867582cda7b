/**
 * BullMQ with its effect in PostgreSQL. Redis and PostgreSQL share no transaction, so the handler is idempotent, as
 * its documentation asks ("Idempotent jobs"): one statement claims the event's id and changes the row, then the event
 * emitted is added to a second queue under a job id of its own, which BullMQ adds only once. A crash in between makes
 * the job run again, and then both halves are no-ops or are completed.
 *
 * Time ends when Redis knows every job as completed; by then every emitted event is in the second queue.
 */
import { nowUs } from '../clock.ts'
import { contend, option } from '../contender.ts'
import { emitted } from '../workload.ts'
import { complete, fill, openQueue, openWorker } from './bullmq.ts'
import { countEffects, createState, EFFECT, openPool } from './postgres.ts'

/** With a concurrency of 50, the best of those tried between 10 and 50 connections and 24 and 200 jobs. */
const CONNECTIONS = 20

const HANDLE = `with ${EFFECT} select key from changed`

await contend(async (run) => {
  const pool = openPool(run, option(run, 'connections', CONNECTIONS))
  await createState(pool)
  const queue = openQueue(run, 'events')
  const out = openQueue(run, 'emitted')
  await fill(queue, run.events)
  await out.waitUntilReady()
  const worker = await openWorker(run, 'events', async (event) => {
    await pool.query({ name: 'handle', text: HANDLE, values: [event.id, event.key] })
    const emission = emitted(event)
    await out.add('event', emission, { jobId: emission.id })
  })

  const started = nowUs()
  await complete(worker, run.events)
  const elapsedMs = (nowUs() - started) / 1_000

  const total = await out.getWaitingCount()
  return { events: run.events, elapsedMs, ...(await countEffects(pool, run, { total, distinct: total })) }
})
