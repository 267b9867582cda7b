/**
 * BullMQ: paced publish to handled, in one process as in Skerry's one-process variant. Latency ends when the handler
 * returns, which is when the acknowledgement is sent; waiting for Redis to confirm it would only add to it.
 */
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { metronome } from '../metronome.ts'
import { steadyLatency } from '../steady.ts'
import { indexOf, payload, Tally } from '../workload.ts'
import { complete, openQueue, openWorker } from './bullmq.ts'

await contend(async (run) => {
  const queue = openQueue(run, 'events')
  await queue.waitUntilReady()
  const sent = new Float64Array(run.events)
  const latencies: number[] = []
  const tally = new Tally(run.events)
  const worker = await openWorker(run, 'events', async ({ id }) => {
    const index = indexOf(id)
    tally.add(index)
    latencies.push(nowUs() - (sent[index] ?? 0))
  })
  const handling = complete(worker, run.events)

  const started = nowUs()
  const publishes: Promise<unknown>[] = []
  await metronome(run.perSecond, run.events, ({ index, sentUs }) => {
    sent[index] = sentUs
    publishes.push(queue.add('event', payload(index)))
  })
  await Promise.all([...publishes, handling])
  const elapsedMs = (nowUs() - started) / 1_000

  return { events: run.events, elapsedMs, ...tally.count(), ...steadyLatency(latencies) }
})
