/**
 * An in-order consumer in the manner of a Kafka consumer group, as a small model in one process: one partition, one
 * loop, each event handled before the next is looked at. A failure is retried on the spot, nine times without a
 * pause and then skipped: the default of Spring Kafka's error handler, and mild. Handling commits one row, FULL.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { metronome } from '../metronome.ts'
import { percentiles } from '../statistics.ts'
import type { Run } from '../types.ts'
import { healthOf, keyOf, PoisonError, SLOW_MS, Tally } from '../workload.ts'

const ATTEMPTS = 10

interface Sent {
  readonly index: number
  readonly sentUs: number
}

await contend(async (run) => {
  const partition: Sent[] = []
  const tally = new Tally(run.events)
  const healthy = (index: number): boolean => healthOf(index) === 'healthy'
  const started = nowUs()
  const consuming = consume(run, partition, tally)
  await metronome(run.perSecond, run.events, (beat) => partition.push(beat))
  const latencies = await consuming
  const elapsedMs = (nowUs() - started) / 1_000

  const [p50Us = 0, p99Us = 0] = percentiles(latencies, [50, 99])
  return { events: run.events, elapsedMs, ...tally.count(healthy), p50Us, p99Us }
})

async function consume(run: Run, partition: readonly Sent[], tally: Tally): Promise<number[]> {
  const effect = openStore(run)
  const latencies: number[] = []
  for (let position = 0; position < run.events; ) {
    const event = partition[position]
    if (event === undefined) {
      await sleep(1)
      continue
    }
    position++
    if (await handled(run, event.index, effect)) tally.add(event.index)
    if (healthOf(event.index) === 'healthy') latencies.push(nowUs() - event.sentUs)
  }
  return latencies
}

async function handled(run: Run, index: number, effect: (index: number) => void): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      await ail(run, index)
      effect(index)
      return true
    } catch (error) {
      if (!(error instanceof PoisonError)) throw error
    }
  }
  return false
}

async function ail(run: Run, index: number): Promise<void> {
  if (run.variant === 'clean') return
  const health = healthOf(index)
  if (health === 'poison') throw new PoisonError('this event always fails')
  if (health === 'slow') await sleep(SLOW_MS)
}

function openStore(run: Run): (index: number) => void {
  const store = new DatabaseSync(join(run.folder, 'store.db'))
  store.exec(`pragma journal_mode = wal; pragma synchronous = ${run.durability}`)
  store.exec('create table account (key text primary key, handled integer not null) strict, without rowid')
  const change = 'insert into account values (?, 1) on conflict do update set handled = handled + 1'
  const update = store.prepare(change)
  return (index) => update.run(keyOf(index))
}
