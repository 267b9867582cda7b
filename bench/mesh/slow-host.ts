/**
 * Eleven instances and ten clients, each a process; 1,000 requests/s in all, at their times whatever becomes of the others. For 30
 * of 75 seconds one instance answers in 2 s; later another one fails at once, and at the end all of them do. Nothing is tried
 * again but in that last part. How requests are balanced is an option: Skerry's default, its round robin, or, without
 * its client, whoever has the fewest requests in flight. No process is bound to a core: where eleven share one, it is its queue
 * that is measured.
 */
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { type Part, partOf, play, startPart } from '../second.ts'
import { percentiles } from '../statistics.ts'
import type { Measured, Run } from '../types.ts'
import { runClient, type Said } from './slow-host-client.ts'
import { type Mode, runInstance } from './slow-host-instance.ts'
import { phases } from './slow-host-phases.ts'

const instances = 11
const clients = 10
/** Milliseconds. */
const within = 1_000
/** When everybody is there, they begin after so many microseconds. */
const soon = 500_000

/** How long it may take until an instance that fails is left alone, in seconds. */
const noticed = 5

if (partOf() === 'instance') await play(runInstance)
else if (partOf() === 'client') await play(runClient)
else await contend(measure)

async function measure(run: Run): Promise<Measured> {
  const servers = await Promise.all(
    Array.from({ length: instances }, () => started<number>(startPart(import.meta.filename, 'instance', null))),
  )
  const ports = servers.map(({ said }) => said)
  const unit = run.events / run.perSecond / phases.end
  const plan = { ports, unit, perSecond: run.perSecond / clients, balancing: String(run.options.balancing) }
  const callers = await Promise.all(
    Array.from({ length: clients }, async (_, at) => {
      const part = startPart(import.meta.filename, 'client', { ...plan, seed: `client ${at}` })
      return (await started(part)).part
    }),
  )
  const startUs = nowUs() + soon
  for (const part of callers) part.ask(startUs)
  const set = async (seconds: number, mode: Mode, of: readonly Part[]): Promise<void> => {
    await until(startUs + seconds * unit * 1e6)
    for (const part of of) part.ask(mode)
  }
  const parts = servers.map(({ part }) => part)
  const [first, second] = parts as [Part, Part]
  const results = Promise.all(callers.map((part) => part.next<Said>()))
  await set(phases.slow[0], 'slow', [first])
  await set(phases.slow[1], 'good', [first])
  await set(phases.failing[0], 'failing', [second])
  await set(phases.allFailing[0], 'failing', parts)
  const said = await results
  for (const part of parts) part.ask('end')
  const received = await Promise.all(parts.map((part) => part.next<readonly number[]>()))
  for (const part of [...parts, ...callers]) part.ask()
  await Promise.all([...parts, ...callers].map((part) => part.ended()))
  return { ...summary(said), figures: figuresOf(said, received, startUs, unit) }
}

async function started<T>(part: Part): Promise<{ readonly part: Part; readonly said: T }> {
  return { part, said: await part.next<T>() }
}

async function until(us: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, (us - nowUs()) / 1_000)))
}

function summary(said: readonly Said[]): Omit<Measured, 'figures'> {
  const sent = said.flatMap(({ sent }) => sent)
  const lost = said.reduce((sum, one) => sum + one.unsettled, 0)
  return { events: sent.length, elapsedMs: Math.max(...sent.map(({ dueS }) => dueS)) * 1_000, lost, duplicates: 0 }
}

function figuresOf(
  said: readonly Said[],
  received: readonly (readonly number[])[],
  startUs: number,
  unit: number,
): Record<string, number> {
  const sent = said.flatMap(({ sent }) => sent)
  const slow = sent.filter(({ dueS }) => dueS >= phases.slow[0] * unit && dueS < phases.slow[1] * unit)
  const good = slow.filter(({ ok, ms }) => ok && ms <= within)
  const [p50 = 0, p99 = 0] = percentiles(
    slow.map(({ ms }) => ms),
    [50, 99],
  )
  const from = startUs + (phases.failing[0] + noticed) * unit * 1e6
  const to = startUs + phases.failing[1] * unit * 1e6
  const counts = received.map((times) => times.filter((us) => us >= from && us < to).length)
  const all = counts.reduce((sum, count) => sum + count, 0)
  const retries = said.reduce((sum, one) => sum + one.retries, 0)
  const budget = said.reduce((sum, one) => sum + one.budget, 0)
  return {
    withinASecondPercent: (100 * good.length) / slow.length,
    p50Ms: p50,
    p99Ms: p99,
    shareOfWhoFails: ((counts[1] as number) * instances) / all,
    ...(budget > 0 && { retriesOfBudget: retries / budget }),
  }
}
