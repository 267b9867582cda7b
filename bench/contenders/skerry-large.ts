/**
 * Growth. What an event costs, the whole way from publish over one row changed to the emitted event on the bus, beside
 * 10 thousand and beside 10 million events in the log; and, ordered by key, what one costs in working off a backlog of a
 * tenth of that, with one key and with as many keys as events. Small and large take turns, in processes of their own,
 * and the ratios are those of the medians. The service's own table has 1,000 rows throughout: what a larger one costs is
 * no matter of Skerry's.
 *
 * `startMs` counts from the beginning of a process until its service runs on the large log, loading the code included.
 * `drainRssMb` is the most memory of any process that worked off a backlog; whoever filled it is not counted.
 */
import { mkdir, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type App, type SubscriptionOptions, service, start } from 'skerry'
import { openSqliteBus } from 'skerry/sqlite'
import { encodeFrame } from '../../src/frame.ts'
import { nowUs } from '../clock.ts'
import { contend, maxRssMb } from '../contender.ts'
import { partOf, play, say, startPart } from '../second.ts'
import { median } from '../statistics.ts'
import type { Measured, Run } from '../types.ts'
import { emitted, eventId, indexOf, KEYS, keyOf, payload } from '../workload.ts'
import { type AnyOut, accounts, busFile, changesIn, Load, Out, optionsOf, publishAll, tallyOf } from './skerry.ts'

const SMALL_LOG = 10_000
/** Events of one measurement beside a log, and how many measurements of each kind. */
const SAMPLE = 50_000
const PAIRS = 5
const KEY_PAIRS = 3
const IN_FLIGHT = 512
/** The filling: events in one append, appends at once, and the disk that an event takes at most, its effects included. */
const FRAME = 400
const FILLERS = 16
const BYTES_PER_EVENT = 600

/** What a part is told: where, which events, and over how many keys. */
interface Task {
  readonly run: Run
  readonly first: number
  readonly events: number
  readonly keys: number
}

interface Cost {
  readonly elapsedMs: number
  readonly usPerEvent: number
  readonly startMs: number
  readonly rssMb: number
  readonly lost: number
  readonly duplicates: number
}

interface Turns {
  readonly small: Cost[]
  readonly large: Cost[]
}

const parts: Readonly<Record<string, (task: Task) => Promise<unknown>>> = { fill, publishAndHandle, workOff }
const part = parts[partOf() ?? '']
if (part === undefined) await contend(grow)
else await play(async (task: Task) => say(await part(task)))

async function grow(run: Run): Promise<Measured> {
  await refuseLittleSpace(run)
  const large = within(run, 'large')
  await ask('fill', { run: large, first: 0, events: run.events, keys: KEYS })
  const byEvents = await takeTurns(PAIRS, {
    small: (round) => besideSmallLog(within(run, `small-${round}`)),
    large: (round) => ask('publishAndHandle', { run: large, first: round * SAMPLE, events: SAMPLE, keys: KEYS }),
  })
  await rm(large.folder, { recursive: true })
  const backlog = Math.ceil(run.events / 10)
  const byKeys = await takeTurns(KEY_PAIRS, {
    small: (round) => workedOff(within(run, `one-${round}`), backlog, 1),
    large: (round) => workedOff(within(run, `many-${round}`), backlog, backlog),
  })
  return measured(run, byEvents, byKeys)
}

/** Pairs alternate their direction, so that neither side always has the fresher machine. */
async function takeTurns(
  rounds: number,
  measure: Readonly<Record<keyof Turns, (round: number) => Promise<Cost>>>,
): Promise<Turns> {
  const turns: Turns = { small: [], large: [] }
  for (let round = 0; round < rounds; round++) {
    const sides = round % 2 === 0 ? (['small', 'large'] as const) : (['large', 'small'] as const)
    for (const side of sides) turns[side].push(await measure[side](round))
  }
  return turns
}

/** A fresh small log each time: the sample alone would make it larger. */
async function besideSmallLog(run: Run): Promise<Cost> {
  await ask('fill', { run, first: 0, events: SMALL_LOG, keys: KEYS })
  const cost = await ask<Cost>('publishAndHandle', { run, first: 0, events: SAMPLE, keys: KEYS })
  await rm(run.folder, { recursive: true })
  return cost
}

async function workedOff(run: Run, events: number, keys: number): Promise<Cost> {
  await ask('fill', { run, first: 0, events, keys })
  const cost = await ask<Cost>('workOff', { run, first: 0, events, keys })
  await rm(run.folder, { recursive: true })
  return cost
}

async function ask<T>(name: string, task: Task): Promise<T> {
  const part = startPart(import.meta.filename, name, task)
  const result = await part.next<T>()
  await part.ended()
  return result
}

/** Fills a log through the bus, in large frames; nothing of it is timed. */
async function fill({ run, events, keys }: Task): Promise<string> {
  const file = busFile(run)
  await mkdir(dirname(file), { recursive: true })
  const bus = await openSqliteBus({ file, durability: 'normal' })
  const [stream, producer, time] = ['load', 'filler', Date.now()] as const
  let after = 0
  const lane = async (): Promise<void> => {
    while (after < events) {
      const first = after
      const count = Math.min(FRAME, events - first)
      after += count
      const records = Array.from({ length: count }, (_, offset) => recordOf(first + offset, keys, time))
      await bus.append({ stream, producer, after: first, first: first + 1, count, frame: encodeFrame(records) })
    }
  }
  await Promise.all(Array.from({ length: FILLERS }, lane))
  await bus.close()
  return 'filled'
}

function recordOf(index: number, keys: number, time: number) {
  // Of one length, however many there are.
  const key = `k${String(index % keys).padStart(7, '0')}`
  const data = JSON.stringify({ ...payload(index), key })
  return { id: eventId(index), type: 'given', version: 1, key, time, due: 0, expires: 0, attributes: undefined, data }
}

/** Publishes and handles beside what is in the log already, until all that is emitted is on the bus. */
async function publishAndHandle({ run, first, events }: Task): Promise<Cost> {
  const out = handling({ from: 'now' })
  const app = await start([out], optionsOf(run))
  const startMs = performance.now()
  const started = nowUs()
  await publishAll(app, first + events, IN_FLIGHT, first)
  await app.settled()
  const elapsedMs = (nowUs() - started) / 1_000
  return {
    ...(await counted(run, app, out, first + events)),
    elapsedMs,
    usPerEvent: (elapsedMs * 1_000) / events,
    startMs,
  }
}

/** Works off what is in the log, in order by key. */
async function workOff({ run, events }: Task): Promise<Cost> {
  const out = handling({ from: 'start', order: 'key' })
  const started = nowUs()
  const app = await start([out], optionsOf(run))
  const startMs = performance.now()
  await app.settled()
  const elapsedMs = (nowUs() - started) / 1_000
  return { ...(await counted(run, app, out, events)), elapsedMs, usPerEvent: (elapsedMs * 1_000) / events, startMs }
}

function handling(options: SubscriptionOptions): AnyOut {
  const out = service(Out, { migrations: accounts })
  out.subscribe('work', options).on(Load.given, async (tx, event) => {
    await tx.sql`update account set handled = handled + 1 where key = ${keyOf(indexOf(event.data.id))}`
    await tx.publish(Out.emitted, emitted(event.data))
  })
  return out
}

/** Memory before anything is counted; then losses and duplicates among the first `total` events, all rounds so far. */
async function counted(run: Run, app: App, out: AnyOut, total: number) {
  const rssMb = maxRssMb()
  const changes = await changesIn(app, out)
  await app.stop()
  const { lost, duplicates } = (await tallyOf({ ...run, events: total }, 'out')).count()
  return { rssMb, lost: Math.max(lost, total - changes), duplicates: Math.max(duplicates, changes - total) }
}

function measured(run: Run, byEvents: Turns, byKeys: Turns): Measured {
  const drains = [...byKeys.small, ...byKeys.large]
  const costs = [...byEvents.small, ...byEvents.large, ...drains]
  const sum = (of: (cost: Cost) => number): number => costs.reduce((total, cost) => total + of(cost), 0)
  const us = (side: readonly Cost[]): number => median(side.map(({ usPerEvent }) => usPerEvent))
  const rssMb = (of: readonly Cost[]): number => Math.max(...of.map((cost) => cost.rssMb))
  const [few, many] = [us(byEvents.small), us(byEvents.large)]
  const [one, each] = [us(byKeys.small), us(byKeys.large)]
  return {
    events: run.events,
    elapsedMs: sum(({ elapsedMs }) => elapsedMs),
    lost: sum(({ lost }) => lost),
    duplicates: sum(({ duplicates }) => duplicates),
    maxRssMb: rssMb(costs),
    figures: {
      costRatioByEvents: many / few,
      costRatioByKeys: each / one,
      startMs: median(byEvents.large.map(({ startMs }) => startMs)),
      drainRssMb: rssMb(drains),
    },
    notes:
      `an event costs ${few.toFixed(1)} µs beside ${SMALL_LOG} others and ${many.toFixed(1)} µs beside ${run.events}; ` +
      `in a backlog ${one.toFixed(1)} µs with one key and ${each.toFixed(1)} µs with a key each`,
  }
}

/** The run, in a folder within its own. */
function within(run: Run, name: string): Run {
  return { ...run, folder: join(run.folder, name) }
}

async function refuseLittleSpace(run: Run): Promise<void> {
  const { bavail, bsize } = await statfs(run.folder)
  const [free, needed] = [bavail * bsize, run.events * BYTES_PER_EVENT]
  if (free >= needed) return
  const gb = (bytes: number): string => (bytes / 1e9).toFixed(1)
  throw new Error(`${run.folder} has ${gb(free)} GB free, ${gb(needed)} GB are needed: name another disk with --dir`)
}
