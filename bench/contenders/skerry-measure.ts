/**
 * What it costs to measure independence: CPU time for each event, in laps that take turns: not measured, not measured again
 * (what noise alone does), measured but in no second of the lap, and measured in every second. Every other round goes through
 * them backwards. `overheadPercent` is what the default share of a tenth comes to: nine seconds of the one and one of the
 * other. The differences are those of the main thread, where all of it happens; they are set against what the whole process
 * takes. With `perSecond` the backlog is worked off at that rate, in small batches, and every event of a window is noted;
 * without it windows hold more events than are.
 */
import { join } from 'node:path'
import { service, start } from 'skerry'
import { nowUs } from '../clock.ts'
import { contend, option } from '../contender.ts'
import type { Run } from '../types.ts'
import { emitted } from '../workload.ts'
import { accounts, changesIn, fill, Load, Out, optionsOf } from './skerry.ts'

/** Shares of seconds that are measured; that of `idle` is in effect never, with everything in place. */
const conditions = { off: 0, again: 0, idle: 1e-12, sampled: 1 } as const
type Condition = keyof typeof conditions
const defaultShare = 0.1
const names = Object.keys(conditions) as Condition[]

await contend(async (run) => {
  const rounds = option(run, 'rounds', 8)
  const laps: Record<Condition, Lap[]> = { off: [], again: [], idle: [], sampled: [] }
  const started = nowUs()
  await lap({ ...run, folder: join(run.folder, 'warm') }, 'sampled')
  for (let round = 0; round < rounds; round++) {
    for (const condition of round % 2 === 0 ? names : names.toReversed())
      laps[condition].push(await lap({ ...run, folder: join(run.folder, `${round} ${condition}`) }, condition))
  }
  const events = rounds * names.length * run.events
  const changes = sum(Object.values(laps).flat(), (one) => one.changes)
  return {
    events,
    elapsedMs: (nowUs() - started) / 1_000,
    lost: Math.max(0, events - changes),
    duplicates: Math.max(0, changes - events),
    figures: figuresOf(laps, rounds * run.events),
  }
})

function figuresOf(laps: Record<Condition, Lap[]>, events: number): Record<string, number> {
  const unmeasured = [...laps.off, ...laps.again]
  const whole = sum(unmeasured, (one) => one.processUs) / 2
  const thread = sum(unmeasured, (one) => one.threadUs) / 2
  const over = (condition: Condition): number => (100 * (sum(laps[condition], (one) => one.threadUs) - thread)) / whole
  const [idle, sampled] = [over('idle'), over('sampled')]
  return {
    offUs: whole / events,
    noisePercent: over('again'),
    idlePercent: idle,
    sampledPercent: sampled,
    overheadPercent: (1 - defaultShare) * idle + defaultShare * sampled,
  }
}

function sum(laps: readonly Lap[], of: (lap: Lap) => number): number {
  return laps.reduce((total, one) => total + of(one), 0)
}

interface Lap {
  /** CPU time of all threads, and of the main one. */
  readonly processUs: number
  readonly threadUs: number
  readonly changes: number
}

/** Works a backlog off. */
async function lap(run: Run, condition: Condition): Promise<Lap> {
  const out = service(Out, { migrations: accounts })
  const perSecond = option(run, 'perSecond', 0)
  const rate = perSecond > 0 ? { rate: { events: perSecond / 10, perMs: 100 } } : {}
  out.subscribe('work', { from: 'start', ...rate }).on(Load.given, async (tx, event) => {
    await tx.sql`update account set handled = handled + 1 where key = ${event.data.key}`
    await tx.publish(Out.emitted, emitted(event.data))
  })
  await fill(run)
  const [all, main] = [process.cpuUsage(), process.threadCpuUsage()]
  const app = await start([out], { ...optionsOf(run), measure: conditions[condition] })
  await app.settled()
  const [whole, thread] = [process.cpuUsage(all), process.threadCpuUsage(main)]
  const changes = await changesIn(app, out)
  await app.stop()
  return { processUs: whole.user + whole.system, threadUs: thread.user + thread.system, changes }
}
