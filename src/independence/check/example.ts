import type { AnyEvent } from '../../contract.ts'
import type { EventRecord } from '../../event.ts'
import { isCarrier } from '../../flow/carried.ts'
import type { Pending } from './flow.ts'
import { nameOf } from './job.ts'
import { examine, type Level, undone, type Waiting } from './levels.ts'
import type { Opaque, Seen, Told } from './observed.ts'
import { textOf } from './observed.ts'
import type { Found } from './pairs.ts'
import { shrink } from './shrink.ts'
import type { Spoken } from './statements.ts'
import type { System } from './system.ts'
import { reach, type Trial } from './trial.ts'

/** A dependence, as small as it could be made, and what can be seen of it. */
export interface Example {
  readonly number: number
  readonly level: Level
  readonly service: string
  /** What happened before, in order. */
  readonly before: readonly string[]
  readonly schedules: readonly [readonly string[], readonly string[]]
  readonly firstRead: FirstRead | undefined
  readonly rows: readonly RowDifference[]
  readonly emitted: readonly [readonly string[], readonly string[]]
  readonly became: readonly [readonly string[], readonly string[]]
  /** What was done outside, and how often. */
  readonly outside: readonly [readonly string[], readonly string[]]
}

export interface FirstRead {
  readonly site: string
  readonly text: string
  readonly left: string
  readonly right: string
}

export interface RowDifference {
  /** `orders[a].status`, or `orders[a]` for a whole row. */
  readonly what: string
  readonly left: string
  readonly right: string
}

/**
 * The smallest example of what was found, run again twice. `undefined` when it does not come out the same again: then
 * something decides that is neither in the store nor in the event.
 */
export async function exampleOf(system: System, found: Found, hidden: Opaque): Promise<Example | undefined> {
  const types = new Map<string, AnyEvent>()
  for (const { type } of system.places) types.set(type.label, type)
  const fails = (trial: Trial): Promise<readonly [Told, Told] | undefined> => differAgain(system, found, trial, hidden)
  const smallest = await shrink(found.trial, types, fails)
  if (!smallest) return undefined
  const again = await fails(smallest.trial)
  if (!again || textOf(again[0].seen) !== textOf(smallest.failure[0].seen)) return undefined
  return describe(system, found, smallest.trial, smallest.failure)
}

/** With its key, where its data does not tell. */
const told = ({ type, key, data }: EventRecord): string => (isCarrier(type) ? `of '${key}' ${data}` : data)

/** Whether a trial still shows what was found. */
async function differAgain(system: System, found: Found, trial: Trial, hidden: Opaque) {
  const both = await reach(system, trial)
  if (!both) return undefined
  const { findings, failed, bound } = await examine(system.flow, both, hidden, (faults) => [...Array(faults).keys()])
  if (failed || (bound && !found.bound)) return undefined
  return findings.find(({ level, turned = false }) => level === found.level && turned === found.turned)?.differ
}

async function describe(
  system: System,
  found: Found,
  trial: Trial,
  [left, right]: readonly [Told, Told],
): Promise<Example> {
  const both = (await reach(system, trial)) as Waiting
  const [a, b] = [both.a.job, both.b.job]
  const named = (step: string): string => step.replace(/^a: /, '').replace(/^b: /, '')
  const line = (step: string): string => {
    const job = /^a[: ]/.test(step) ? a : /^b[: ]/.test(step) ? b : undefined
    return job ? `${named(step)} ${told(job.delivery.record)}` : step
  }
  const firstRead = found.level === 'commuting' ? await firstDifference(system, [both.a, both.b]) : undefined
  return {
    number: found.number,
    level: found.level,
    service: a.unit.service.name,
    before: trial.actions.flatMap((action) => {
      if (action.kind === 'deliver')
        return [`  handled by ${action.name.split(' ')[0]}: ${eventIn(trial, action.name)}`]
      const { stream, record } = action.delivery
      const isOne = [a, b].some(({ delivery }) => delivery.record.id === record.id)
      return isOne ? [] : [`${stream}.${record.type} ${told(record)}`]
    }),
    schedules: [left.order.map(line), right.order.map(line)],
    firstRead,
    rows: rowsApart(system, left.seen, right.seen),
    emitted: apart(left.seen.emitted, right.seen.emitted),
    became: apart(left.seen.settled, right.seen.settled).map((names) => names.map(short)) as [string[], string[]],
    outside: apart(left.seen.outside, right.seen.outside).map((names) => names.map(short)) as [string[], string[]],
  }

  function short(settled: string): string {
    const job = [a, b].find((one) => settled.startsWith(`${nameOf(one)} `))
    return job ? `${job.type.label} ${settled.slice(nameOf(job).length + 1)}` : settled
  }
}

function eventIn(trial: Trial, name: string): string {
  const action = trial.actions.find((one) => one.kind === 'publish' && name.endsWith(` ${one.delivery.record.id}`))
  return action?.kind === 'publish' ? `${action.delivery.stream}.${action.delivery.record.type}` : 'what came of it'
}

/** The first statement of the same event that gave different rows in the two orders. */
async function firstDifference(system: System, [a, b]: [Pending, Pending]): Promise<FirstRead | undefined> {
  const { flow, world } = system
  const speak = (jobs: readonly Pending[]): Promise<Spoken[]> =>
    undone(flow, async () => {
      const spoken: Spoken[] = []
      world.spoken = spoken
      await flow.deliverAll(jobs)
      world.spoken = undefined
      return spoken
    })
  const [left, right] = [await speak([a, b]), await speak([b, a])]
  for (const { job } of [a, b]) {
    const of = (spoken: readonly Spoken[]): Spoken[] => spoken.filter((one) => nameOf(one.job) === nameOf(job))
    const [ofLeft, ofRight] = [of(left), of(right)]
    for (const [at, one] of ofLeft.entries()) {
      const other = ofRight[at]
      if (!other || resultOf(one) === resultOf(other)) continue
      return { site: one.site, text: one.text, left: resultOf(one), right: resultOf(other) }
    }
  }
  return undefined
}

function resultOf({ rows, changes }: Spoken): string {
  if (rows.length === 0) return changes > 0 ? `changes ${changes}` : 'none'
  const text = rows.map((row) => JSON.stringify(row)).join(', ')
  return text.length > 60 ? `${rows.length} ${rows.length === 1 ? 'row' : 'rows'} ${text.slice(0, 50)}…` : text
}

type Row = Readonly<Record<string, unknown>>

function rowsApart(system: System, left: Seen, right: Seen): RowDifference[] {
  const tables = new Set([...left.rows.keys(), ...right.rows.keys()])
  return [...tables].flatMap((name) => {
    const [service, table] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)]
    const schema = system.world.units.find((unit) => unit.service.name === service)?.db.schema.tables.get(table)
    const key = schema?.key.map((at) => schema.columns[at] as string) ?? []
    const [inLeft, inRight] = [net(left, name), net(right, name)]
    const only = (mine: ReadonlyMap<string, number>, theirs: ReadonlyMap<string, number>): Row[] =>
      [...new Set([...mine.keys(), ...theirs.keys()])]
        .filter((row) => (mine.get(row) ?? 0) > (theirs.get(row) ?? 0))
        .map((row) => JSON.parse(row) as Row)
    return compareRows(table, key, only(inLeft, inRight), only(inRight, inLeft))
  })
}

function net(seen: Seen, table: string): ReadonlyMap<string, number> {
  return seen.rows.get(table) ?? new Map()
}

function compareRows(
  table: string,
  key: readonly string[],
  left: readonly Row[],
  right: readonly Row[],
): RowDifference[] {
  const keyOf = (row: Row): string => key.map((column) => String(row[column])).join(',')
  const found: RowDifference[] = []
  const unmatched = [...right]
  for (const row of left) {
    const at = key.length > 0 ? unmatched.findIndex((other) => keyOf(other) === keyOf(row)) : -1
    const other = at >= 0 ? unmatched.splice(at, 1)[0] : undefined
    if (!other) found.push({ what: `${table}[${keyOf(row)}]`, left: JSON.stringify(row), right: '–' })
    else
      for (const [column, value] of Object.entries(row))
        if (value !== other[column])
          found.push({ what: `${table}[${keyOf(row)}].${column}`, left: String(value), right: String(other[column]) })
  }
  for (const row of unmatched) found.push({ what: `${table}[${keyOf(row)}]`, left: '–', right: JSON.stringify(row) })
  return found
}

/** What one has and the other has not, each way. */
function apart(left: readonly string[], right: readonly string[]): readonly [readonly string[], readonly string[]] {
  const only = (mine: readonly string[], theirs: readonly string[]): string[] => {
    const rest = [...theirs]
    return mine.filter((text) => {
      const at = rest.indexOf(text)
      if (at >= 0) rest.splice(at, 1)
      return at < 0
    })
  }
  return [only(left, right), only(right, left)]
}
