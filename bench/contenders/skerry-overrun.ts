/**
 * Handlers that overrun their budget, beside healthy ones at a fixed rate in the same subscription. Two kinds take
 * turns: one hangs on a promise that never resolves, the other blocks the thread for 10 ms longer than its budget (no
 * code of the same thread could end that sooner). Each comes when the one before is parked, so that the delays of the
 * healthy events can be told apart.
 *
 * An overrunner gets two tries: the first among others under a budget of 100 ms, the second alone under ten times as
 * much. What a try cost others is the longest latency, from beat to commit, of the healthy events that were on their way
 * meanwhile, without what other tries took of it: ordinary latency and catching up are part of it. `longestDelayMs` is
 * the most that any first try cost, `longestAloneMs` any second one, and `delaysPerOverrunner` the most tries of one
 * overrunner that cost more than a quarter of the budget. `longestWaitMs` is what the unluckiest event waited in all.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, type Fact, service } from 'skerry'
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import type { Run } from '../types.ts'
import { indexOf, payload } from '../workload.ts'
import { Commits } from './commits.ts'
import { accounts, changesIn, Load, Out, optionsOf, publishPaced, startAs } from './skerry.ts'

const BUDGET_MS = 100
const ALONE_FACTOR = 10
const LONGER_MS = 10
const NOTICED_MS = BUDGET_MS / 4
/** Between two overrunners. */
const REST_MS = 300

/** One try of an overrunner, from the start of its handler until its outcome was committed. */
interface Try {
  readonly overrunner: number
  readonly alone: boolean
  readonly fromUs: number
  untilUs: number
}

await contend(async (run) => {
  const commits = new Commits(run.events)
  const tries: Try[] = []
  let parked = Promise.withResolvers<void>()
  const watcher = (fact: Fact): void => {
    commits.watch(fact)
    const last = tries.at(-1)
    if (last !== undefined && (fact.kind === 'retried' || fact.kind === 'dead')) last.untilUs = nowUs()
    if (fact.kind === 'dead') parked.resolve()
  }
  const out = handling(run, commits, tries)
  const app = await startAs('leading', [out], { ...optionsOf(run), watcher })

  const paced = publishPaced(app, run)
  const overrunners = await sendOverrunners(run, app, () => {
    parked = Promise.withResolvers()
    return parked.promise
  })
  const { started, sent } = await paced
  await commits.done
  const elapsedMs = (nowUs() - started) / 1_000

  const { lost, duplicates } = commits.tally.count()
  const changes = await changesIn(app, out)
  const figures = figuresOf(tries, sent, commits.times())
  await app.stop()
  return {
    events: run.events,
    elapsedMs,
    lost,
    duplicates: Math.max(duplicates, changes - run.events),
    figures: { ...figures, overrunners },
  }
})

function handling(run: Run, commits: Commits, tries: Try[]) {
  const out = service(Out, { migrations: accounts })
  out.subscribe('work', { from: 'start', budgetMs: BUDGET_MS }).on(Load.given, async (tx, event) => {
    const index = indexOf(event.data.id)
    // An overrunner does its work first, so that what it leaves behind would be counted.
    await tx.sql`update account set handled = handled + 1 where key = ${event.data.key}`
    if (index < run.events) return commits.handled(index, event.id)
    const overrunner = index - run.events
    const alone = tries.some((earlier) => earlier.overrunner === overrunner)
    tries.push({ overrunner, alone, fromUs: nowUs(), untilUs: Number.POSITIVE_INFINITY })
    if (overrunner % 2 === 0) await new Promise(() => {})
    else block(BUDGET_MS * (alone ? ALONE_FACTOR : 1) + LONGER_MS)
  })
  return out
}

function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end) {}
}

/** One after another, while there are healthy events to delay. Says how many. */
async function sendOverrunners(run: Run, app: App, parked: () => Promise<void>): Promise<number> {
  const endUs = nowUs() + (run.events / run.perSecond) * 1_000_000
  const needUs = (BUDGET_MS * (1 + ALONE_FACTOR) + REST_MS) * 1_000
  let sent = 0
  do {
    await sleep(REST_MS)
    const done = parked()
    await app.publish(Load.given, payload(run.events + sent++))
    await done
  } while (nowUs() + needUs < endUs)
  return sent
}

function figuresOf(tries: readonly Try[], sent: Float64Array, atUs: Float64Array): Record<string, number> {
  const delays = new Map<number, number>()
  let [longestDelayMs, longestAloneMs, longestWaitMs] = [0, 0, 0]
  for (const one of tries) {
    const { costMs, waitMs } = costOf(one, tries, sent, atUs)
    longestWaitMs = Math.max(longestWaitMs, waitMs)
    if (one.alone) longestAloneMs = Math.max(longestAloneMs, costMs)
    else longestDelayMs = Math.max(longestDelayMs, costMs)
    if (costMs > NOTICED_MS) delays.set(one.overrunner, (delays.get(one.overrunner) ?? 0) + 1)
  }
  return { longestDelayMs, longestAloneMs, longestWaitMs, delaysPerOverrunner: Math.max(0, ...delays.values()) }
}

function costOf(one: Try, tries: readonly Try[], sent: Float64Array, atUs: Float64Array) {
  const others = tries.filter((other) => other !== one)
  let [costUs, waitUs] = [0, 0]
  for (const [index, sentUs] of sent.entries()) {
    const committedUs = atUs[index] ?? 0
    if (sentUs >= one.untilUs || committedUs <= one.fromUs) continue
    const us = committedUs - sentUs
    waitUs = Math.max(waitUs, us)
    costUs = Math.max(costUs, us - others.reduce((sum, other) => sum + overlapUs(other, sentUs, committedUs), 0))
  }
  return { costMs: costUs / 1_000, waitMs: waitUs / 1_000 }
}

function overlapUs({ fromUs, untilUs }: Try, startUs: number, endUs: number): number {
  return Math.max(0, Math.min(untilUs, endUs) - Math.max(fromUs, startUs))
}
