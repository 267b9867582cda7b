/**
 * BullMQ on Redis, configured as its documentation advises: an append-only file that never evicts ("Going to
 * production"), a concurrency of 100 ("Parallelism and concurrency": between 100 and 300 is standard), finished jobs
 * removed ("Auto-removal of jobs"), backlogs added in bulk ("Adding jobs in bulk").
 */
import { type JobsOptions, Queue, Worker } from 'bullmq'
import { option, serverOf } from '../contender.ts'
import type { Run } from '../types.ts'
import { type Payload, payload } from '../workload.ts'

const BULK = 1_000
const CONCURRENCY = 100

export type Handler = (payload: Payload) => Promise<void>

export function openQueue(run: Run, name: string, defaults: JobsOptions = {}): Queue<Payload> {
  const { host, port } = serverOf(run, 'redis-server')
  return new Queue<Payload>(name, { connection: { host, port }, defaultJobOptions: defaults })
}

/** A worker that does not fetch before `run()` is called, so that start-up is not timed. */
export async function openWorker(run: Run, name: string, handler: Handler): Promise<Worker<Payload>> {
  const { host, port } = serverOf(run, 'redis-server')
  const worker = new Worker<Payload>(name, (job) => handler(job.data), {
    connection: { host, port, maxRetriesPerRequest: null },
    concurrency: option(run, 'concurrency', CONCURRENCY),
    removeOnComplete: { count: 0 },
    autorun: false,
  })
  // Without a listener an error event ends the process; failed jobs are counted by the caller.
  worker.on('error', (error) => process.stderr.write(`${error.message}\n`))
  await worker.waitUntilReady()
  return worker
}

export async function fill(queue: Queue<Payload>, events: number): Promise<void> {
  for (let first = 0; first < events; first += BULK) {
    const length = Math.min(BULK, events - first)
    await queue.addBulk(Array.from({ length }, (_, offset) => ({ name: 'event', data: payload(first + offset) })))
  }
}

/** Runs the worker until it has completed so many jobs: handled, and known to Redis as such. */
export async function complete(worker: Worker<Payload>, events: number): Promise<void> {
  let completed = 0
  const done = new Promise<void>((resolve) => {
    worker.on('completed', () => {
      if (++completed === events) resolve()
    })
  })
  worker.run().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
  await done
}
