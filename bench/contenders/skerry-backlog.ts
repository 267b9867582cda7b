/**
 * Memory beside a backlog on an engine: a service works off what was published while it was away, ordered by key, with one
 * row changed for each event. The backlog is made in large frames by another process, which is not counted; the service
 * has been there once before, so that an engine that hands events out keeps them for it.
 *
 * `drainRssMb` is the most memory of the process that works off, until the last event is settled, or so many as `worksOff`
 * says where all of them would take too long; `fillRssMb` that of the process that only published. Losses and duplicates
 * are effects too few or too many for what the store says it has handled.
 */
import { type App, type Fact, service, start } from 'skerry'
import { encodeFrame } from '../../src/frame.ts'
import { nowUs } from '../clock.ts'
import { contend, maxRssMb, option } from '../contender.ts'
import { partOf, play, say, startPart } from '../second.ts'
import type { Measured, Run } from '../types.ts'
import { eventId, KEYS, keyOf, payload } from '../workload.ts'
import { type AnyOut, accountsOf, Load, Out, openBusOf, optionsOf } from './skerry.ts'

/** Events in one append, and appends at once. */
const FRAME = 400
const FILLERS = 16

interface Drained {
  readonly elapsedMs: number
  readonly rssMb: number
  readonly handled: number
  readonly changes: number
}

const parts: Readonly<Record<string, (run: Run) => Promise<unknown>>> = { introduce, fill, drain }
const part = parts[partOf() ?? '']
if (part === undefined) await contend(measure)
else await play(async (run: Run) => say(await part(run)))

async function measure(run: Run): Promise<Measured> {
  await ask('introduce', run)
  const fillRssMb = await ask<number>('fill', run)
  const { elapsedMs, rssMb, handled, changes } = await ask<Drained>('drain', run)
  const expected = Math.max(handled, Math.min(run.events, option(run, 'worksOff', run.events)))
  return {
    events: handled,
    elapsedMs,
    lost: Math.max(0, expected - changes),
    duplicates: Math.max(0, changes - handled),
    maxRssMb: rssMb,
    figures: { drainRssMb: rssMb, fillRssMb, perSecond: (handled / elapsedMs) * 1_000 },
  }
}

async function ask<T>(name: string, run: Run): Promise<T> {
  const part = startPart(import.meta.filename, name, run)
  const result = await part.next<T>()
  await part.ended()
  return result
}

async function introduce(run: Run): Promise<string> {
  const app = await start([handling(run)], optionsOf(run))
  await app.stop()
  return 'introduced'
}

async function fill(run: Run): Promise<number> {
  const bus = await openBusOf(run)
  const [stream, time] = ['load', Date.now()] as const
  // A producer's events travel one batch at a time: several make the filling quicker.
  const lane = async (filler: number): Promise<void> => {
    const producer = `publisher filler-${filler}`
    let after = 0
    for (let first = filler * FRAME; first < run.events; first += FILLERS * FRAME) {
      const count = Math.min(FRAME, run.events - first)
      const frame = encodeFrame(Array.from({ length: count }, (_, offset) => recordOf(first + offset, time)))
      await bus.append({ stream, producer, after, first: after + 1, count, frame })
      after += count
    }
  }
  await Promise.all(Array.from({ length: FILLERS }, (_, filler) => lane(filler)))
  await bus.close()
  return maxRssMb()
}

function recordOf(index: number, time: number) {
  const data = JSON.stringify(payload(index))
  const key = keyOf(index % KEYS)
  return { id: eventId(index), type: 'given', version: 1, key, time, due: 0, expires: 0, attributes: undefined, data }
}

async function drain(run: Run): Promise<Drained> {
  const out = handling(run)
  const worksOff = option(run, 'worksOff', run.events)
  const enough = Promise.withResolvers<void>()
  let seen = 0
  const watcher = (fact: Fact): void => {
    if (fact.kind === 'handled' && ++seen === worksOff) enough.resolve()
  }
  const started = nowUs()
  const app: App = await start([out], { ...optionsOf(run), watcher })
  await (worksOff < run.events ? enough.promise : app.settled())
  const elapsedMs = (nowUs() - started) / 1_000
  const rssMb = maxRssMb()
  const { handled, changes } = await countedIn(app, out)
  await app.stop()
  return { elapsedMs, rssMb, handled, changes }
}

/** On one snapshot: batches go on being committed. */
async function countedIn(app: App, out: AnyOut): Promise<{ handled: number; changes: number }> {
  const [row] = await app.read(out, (tx) =>
    tx.all<{ handled: number; changes: number }>(
      `select (select sum(value) from skerry_counter where name = 'handled') as handled,
         (select sum(handled) from account) as changes`,
    ),
  )
  return { handled: Number(row?.handled), changes: Number(row?.changes) }
}

function handling(run: Run): AnyOut {
  const out = service(Out, { migrations: accountsOf(run) })
  out.subscribe('work', { from: 'start', order: 'key' }).on(Load.given, async (tx, event) => {
    await tx.sql`update account set handled = handled + 1 where key = ${event.data.key}`
  })
  return out
}
