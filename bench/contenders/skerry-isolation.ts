/**
 * Healthy events beside poison and slow ones, in one unordered subscription and one process. Poison throws in `handle`
 * at every try and is retried by the default policy; slow events spend five seconds in `prepare`, as the outside world
 * may; both variants run the same two-step handler, so that only the sick events differ. Latency counts from the beat
 * to the commit; `warmUp` is the share of the run before it counts. No healthy event may be lost, and no slow one either.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { service } from 'skerry'
import { nowUs } from '../clock.ts'
import { contend, option } from '../contender.ts'
import { percentiles } from '../statistics.ts'
import type { Run } from '../types.ts'
import { type Health, healthOf, indexOf, PoisonError, SLOW_MS } from '../workload.ts'
import { Commits } from './commits.ts'
import { accountsOf, changesIn, Load, Out, optionsOf, publishPaced, startAs } from './skerry.ts'

await contend(async (run) => {
  const indexes = Array.from({ length: run.events }, (_, index) => index)
  const curable = (index: number): boolean => ailment(run, index) !== 'poison'
  const healthy = (index: number): boolean => healthOf(index) === 'healthy'
  const expected = indexes.filter(curable).length
  const commits = new Commits(run.events, expected)
  const out = handling(run, commits)
  const app = await startAs('leading', [out], { ...optionsOf(run), watcher: commits.watch })

  const { started, sent } = await publishPaced(app, run)
  await commits.done
  const elapsedMs = (nowUs() - started) / 1_000

  const { lost, duplicates } = commits.tally.count(curable)
  const changes = await changesIn(app, out)
  const atUs = commits.times()
  // Poison still has retries to come: what is left of it stays on disk.
  await app.stop()
  // The same events in both variants.
  const latencies = indexes
    .slice(Math.floor(run.events * option(run, 'warmUp', 0)))
    .filter(healthy)
    .map((index) => (atUs[index] ?? 0) - (sent[index] ?? 0))
  const [p50Us = 0, p99Us = 0] = percentiles(latencies, [50, 99])
  return { events: run.events, elapsedMs, lost, duplicates: Math.max(duplicates, changes - expected), p50Us, p99Us }
})

function handling(run: Run, commits: Commits) {
  const out = service(Out, { migrations: accountsOf(run) })
  out.subscribe('work', { from: 'start' }).on(Load.given, {
    prepare: async (_ctx, event) => {
      if (ailment(run, indexOf(event.data.id)) === 'slow') await sleep(SLOW_MS)
    },
    handle: async (tx, event) => {
      const index = indexOf(event.data.id)
      await tx.sql`update account set handled = handled + 1 where key = ${event.data.key}`
      if (ailment(run, index) === 'poison') throw new PoisonError('this event always fails')
      commits.handled(index, event.id)
    },
  })
  return out
}

function ailment(run: Run, index: number): Health {
  return run.variant === 'clean' ? 'healthy' : healthOf(index)
}
