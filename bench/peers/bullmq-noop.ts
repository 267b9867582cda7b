/** BullMQ: a handler that does nothing, over a backlog. */
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { indexOf, Tally } from '../workload.ts'
import { complete, fill, openQueue, openWorker } from './bullmq.ts'

await contend(async (run) => {
  const queue = openQueue(run, 'events')
  await fill(queue, run.events)
  const tally = new Tally(run.events)
  const worker = await openWorker(run, 'events', async ({ id }) => tally.add(indexOf(id)))

  const started = nowUs()
  await complete(worker, run.events)
  const elapsedMs = (nowUs() - started) / 1_000

  return { events: run.events, elapsedMs, ...tally.count() }
})
