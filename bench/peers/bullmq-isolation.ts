/**
 * BullMQ: healthy events beside poison and slow ones. Retries as its documentation shows them: exponential backoff,
 * here with ten attempts. Latency counts for the same healthy events whether or not the others are sick.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { metronome } from '../metronome.ts'
import { percentiles } from '../statistics.ts'
import type { Run } from '../types.ts'
import { healthOf, indexOf, PoisonError, payload, SLOW_MS, Tally } from '../workload.ts'
import { openQueue, openWorker } from './bullmq.ts'

const GIVE_UP_MS = 60_000

await contend(async (run) => {
  const queue = openQueue(run, 'events', { attempts: 10, backoff: { type: 'exponential', delay: 100 } })
  await queue.waitUntilReady()
  const sent = new Float64Array(run.events)
  const latencies: number[] = []
  const tally = new Tally(run.events)
  const healthy = (index: number): boolean => healthOf(index) === 'healthy'
  const worker = await openWorker(run, 'events', async ({ id }) => {
    const index = indexOf(id)
    await ail(run, index)
    tally.add(index)
    if (healthy(index)) latencies.push(nowUs() - (sent[index] ?? 0))
  })
  worker.run().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))

  const started = nowUs()
  const publishes: Promise<unknown>[] = []
  await metronome(run.perSecond, run.events, ({ index, sentUs }) => {
    sent[index] = sentUs
    publishes.push(queue.add('event', payload(index)))
  })
  await Promise.all(publishes)
  const deadline = performance.now() + GIVE_UP_MS
  while (tally.count(healthy).lost > 0 && performance.now() < deadline) await sleep(20)
  const elapsedMs = (nowUs() - started) / 1_000

  const [p50Us = 0, p99Us = 0] = percentiles(latencies, [50, 99])
  return { events: run.events, elapsedMs, ...tally.count(healthy), p50Us, p99Us }
})

async function ail(run: Run, index: number): Promise<void> {
  if (run.variant === 'clean') return
  const health = healthOf(index)
  if (health === 'poison') throw new PoisonError('this event always fails')
  if (health === 'slow') await sleep(SLOW_MS)
}
