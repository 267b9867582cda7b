import type { Step } from './doing.ts'
import { type Faulty, faulty, type Some, type Wrong } from './faults.ts'
import type { Flow, Pending } from './flow.ts'
import { commonRow, type Footprint, meeting, sharedTables } from './footprint.ts'
import { interleave } from './interleave.ts'
import { inOrder, type Job, nameOf } from './job.ts'
import { look, type Opaque, type Seen, type Told, textOf } from './observed.ts'
import { rebuiltApart } from './rebuild.ts'
import { republished } from './republication.ts'

/** What is asked of two events, or of one that comes again. */
export const levels = [
  'commuting',
  'race-free',
  'conflict-free',
  'isolated',
  'redelivery',
  'republication',
  'rebuild',
  'invariant',
] as const

export type Level = (typeof levels)[number]

/** What one trial says about one level. */
export interface Finding {
  readonly level: Level
  /** The pair the other way round: what goes wrong happens to b. */
  readonly turned?: boolean
  /** They met in a row, so that something could have gone wrong. */
  readonly touched: boolean
  readonly differ?: readonly [Told, Told]
}

/** What one trial says. */
export interface Findings {
  /** The two are bound by publish order where the subscription asks for it. */
  readonly bound: boolean
  readonly shared: ReadonlySet<string>
  readonly findings: readonly Finding[]
  /** Neither order let both succeed, nor decided who of them did: nothing can be said then. */
  readonly failed: boolean
  /** What was gone through, in both orders: the same for trials in which the same happened. */
  readonly way: string
  /** The same order came to something else when it was run again: more than store and events decides. */
  readonly changing: boolean
}

interface Ran {
  readonly seen: Seen
  /** The same, after one more event has shown what is remembered. */
  readonly shown: Seen
  /** After the first of the two alone, where it succeeded at once. */
  readonly first: Seen | undefined
  readonly steps: readonly (readonly Step[])[]
  readonly succeeded: boolean
  readonly broken: string | undefined
  readonly way: string
}

/** Two events that wait, and one that comes after them where processes remember something. */
export interface Waiting {
  readonly a: Pending
  readonly b: Pending
  readonly probe: Pending | undefined
}

/**
 * Runs two waiting events in every way that the levels ask for; the flow is as before at the end. Without `again` nothing is
 * made to fail and nothing comes a second time, which is most of the work.
 */
export async function examine(
  flow: Flow,
  waiting: Waiting,
  hidden: Opaque,
  some: Some,
  again = true,
): Promise<Findings> {
  const { a, b, probe } = waiting
  flow.begin()
  const course = { ...flow.course, pending: [a, b] }
  flow.course = course
  const run = (jobs: readonly Pending[]): Promise<Ran> =>
    undone(flow, async () => {
      const gone: string[] = []
      flow.world.gone = gone
      let now: Seen | undefined
      const steps = await flow.deliverAll(jobs, () => {
        now ??= look(flow.world, flow.course, hidden)
      })
      const first = steps[0]?.every(({ outcome }) => outcome === 'done') ? now : undefined
      flow.world.gone = undefined
      const succeeded = jobs.every(({ job }) => flow.course.settled.get(nameOf(job)) === 'done')
      const seen = look(flow.world, flow.course, hidden)
      const broken = await flow.world.broken()
      const shown = probe ? await probed(flow, probe, hidden) : seen
      return { seen, shown, first, steps, succeeded, broken, way: gone.join() }
    })
  const before = await flow.world.broken()
  const ab = await run([a, b])
  const ba = await run([b, a])
  const prints = [together(ab.steps[0]), together(ab.steps[1]), together(ba.steps[1]), together(ba.steps[0])] as const
  const inFirst = meeting(prints[0], prints[1]) ?? commonRow(prints[0], prints[1])
  const touched = Boolean(inFirst ?? meeting(prints[2], prints[3]) ?? commonRow(prints[2], prints[3]))
  const shared = new Set([...sharedTables(prints[0], prints[1]), ...sharedTables(prints[2], prints[3])])
  const told = tellBoth(waiting, ab.seen, ba.seen)
  const later = tellBoth(waiting, ab.shown, ba.shown, probe)
  const differ = [told, later].find(([left, right]) => textOf(left.seen) !== textOf(right.seen))
  const bound = inOrder(a.job, b.job) || inOrder(b.job, a.job)
  const findings: Finding[] = [
    { level: 'commuting', touched, ...(differ && { differ }) },
    { level: 'conflict-free', touched: true, ...(touched && { differ: told }) },
  ]
  const half = !ab.succeeded && !ba.succeeded
  const changing = differ !== undefined && textOf((await run([a, b])).seen) !== textOf(ab.seen)
  const holds = before === undefined
  const between = half ? {} : await sideBySide(flow, waiting, hidden, [told, later], holds)
  const wrong = half || !again ? [] : await faults(flow, waiting, { hidden, some, asks: holds }, [ab, ba])
  if (!half) {
    findings.push({ level: 'race-free', touched, ...(between.race && { differ: between.race }) })
    findings.push(...wrong.flatMap(findingsOf))
    if (again) findings.push(...(await comingAgain(flow, [a, b], hidden)))
    findings.push(...(await rebuilding(flow, [a, b], told, hidden, touched)))
  }
  // What was broken before is nobody's fault here.
  const broken = between.broken ?? wrong.find((one) => one.broken)?.broken
  if (holds && !half) findings.push({ level: 'invariant', touched, ...breaking(told, [ab, ba], broken) })
  flow.course = course
  const failed = half && !decidesWhoFails(ab, ba)
  return { bound, shared, findings, failed, changing, way: `${ab.way} | ${ba.way}` }
}

/** What one more event makes of it. */
async function probed(flow: Flow, probe: Pending, hidden: Opaque): Promise<Seen> {
  flow.course = { ...flow.course, pending: [...flow.course.pending, probe] }
  await flow.deliverAll([probe])
  return look(flow.world, flow.course, hidden)
}

function tellBoth({ a, b }: Waiting, ab: Seen, ba: Seen, probe?: Pending): readonly [Told, Told] {
  const [ofA, ofB, after] = [shown(a.job, 'a'), shown(b.job, 'b'), probe ? [`then ${probe.job.type.label}`] : []]
  return [
    { order: [ofA, ofB, ...after], seen: ab },
    { order: [ofB, ofA, ...after], seen: ba },
  ]
}

/** The order that breaks an invariant, beside the other one; or steps that do, beside the first order. */
function breaking(
  [ab, ba]: readonly [Told, Told],
  ran: readonly [Ran, Ran],
  between: Told | undefined,
): Pick<Finding, 'differ'> {
  const at = ran.findIndex(({ broken }) => broken !== undefined)
  if (at < 0) return between ? { differ: [ab, between] } : {}
  const [one, other] = at === 0 ? [ab, ba] : [ba, ab]
  return { differ: [other, breaks(one, ran[at]?.broken as string)] }
}

function breaks({ order, seen }: Told, invariant: string): Told {
  return { order: [...order, `breaks the invariant '${invariant}'`], seen }
}

/** One of the two shuts the other out, and what is there at the end is the work of whichever came first. */
function decidesWhoFails(ab: Ran, ba: Ran): boolean {
  const fates = ({ seen }: Ran): string => seen.settled.join()
  const rest = ({ seen }: Ran): string => textOf({ ...seen, settled: [] })
  return fates(ab) !== fates(ba) && rest(ab) !== rest(ba)
}

/** Everything that the steps of one event touched. */
function together(steps: readonly Step[] | undefined): Footprint {
  const [first, ...rest] = (steps ?? []).map(({ footprint }) => footprint)
  if (!first) throw new Error('an event without a step')
  const all = [first, ...rest]
  return {
    ...first,
    accesses: {
      reads: all.flatMap(({ accesses }) => accesses.reads),
      writes: all.flatMap(({ accesses }) => accesses.writes),
      blind: new Set(all.flatMap(({ accesses }) => [...accesses.blind])),
      ambient: new Set(all.flatMap(({ accesses }) => [...accesses.ambient])),
    },
    sees: new Set(all.flatMap(({ sees }) => [...sees])),
    changes: new Set(all.flatMap(({ changes }) => [...changes])),
    fresh: new Set(all.flatMap(({ fresh }) => [...fresh])),
    called: all.flatMap(({ called = [] }) => called),
  }
}

interface SideBySide {
  /** Steps that come to what neither order comes to, beside one that does. */
  readonly race?: readonly [Told, Told]
  /** Steps after which an invariant does not hold. */
  readonly broken?: Told
}

/** Every order of the steps of two events, until something is wrong at the end of one: at once, or for one more event. */
async function sideBySide(
  flow: Flow,
  { a, b, probe }: Waiting,
  hidden: Opaque,
  [told, later]: readonly [at: readonly [Told, Told], later: readonly [Told, Told]],
  holds: boolean,
): Promise<SideBySide> {
  // Handlers of one step are one transaction each: nothing comes in between.
  if (a.stage === 'handle' && b.stage === 'handle') return {}
  const names = new Map([
    [nameOf(a.job), 'a'],
    [nameOf(b.job), 'b'],
  ])
  const isNeither = (serial: readonly Told[], seen: Seen): boolean =>
    !serial.some((one) => textOf(one.seen) === textOf(seen))
  const race = async (order: readonly string[]): Promise<readonly [Told, Told] | undefined> => {
    const seen = look(flow.world, flow.course, hidden)
    if (isNeither(told, seen)) return [told[0], { order, seen }]
    if (!probe) return undefined
    const after = await undone(flow, () => probed(flow, probe, hidden))
    return isNeither(later, after)
      ? [later[0], { order: [...order, `then ${probe.job.type.label}`], seen: after }]
      : undefined
  }
  const asks = holds && flow.world.hasInvariants
  let found: SideBySide = {}
  await interleave(
    flow,
    (one) => names.get(nameOf(one.job)) ?? '?',
    async (order) => {
      const races = found.race ?? (await race(order))
      if (races) found = { ...found, race: races }
      const broken = asks && !found.broken ? await flow.world.broken() : undefined
      if (broken) found = { ...found, broken: breaks({ order, seen: look(flow.world, flow.course, hidden) }, broken) }
      return found.race && (found.broken || !asks) ? found : undefined
    },
  )
  return found
}

/** Each of the two once more, under another id. */
async function comingAgain(flow: Flow, [a, b]: readonly [Pending, Pending], hidden: Opaque): Promise<Finding[]> {
  const [ofA, ofB] = [shown(a.job, 'a'), shown(b.job, 'b')]
  const first = await republished(flow, [a, b], [ofA, ofB], hidden)
  const second = await republished(flow, [b, a], [ofB, ofA], hidden)
  return [
    { level: 'republication', touched: true, ...(first && { differ: first }) },
    { level: 'republication', turned: true, touched: true, ...(second && { differ: second }) },
  ]
}

async function rebuilding(
  flow: Flow,
  both: readonly [Pending, Pending],
  told: readonly [Told, Told],
  hidden: Opaque,
  touched: boolean,
): Promise<Finding[]> {
  if (!both[0].job.unit.service.options.projection) return []
  const differ = await rebuiltApart(flow, both, told, hidden)
  return [{ level: 'rebuild', touched, ...(differ && { differ }) }]
}

/** What goes wrong with one of two events, each in turn. */
async function faults(
  flow: Flow,
  { a, b }: Waiting,
  options: Pick<Faulty, 'hidden' | 'some' | 'asks'>,
  [ab, ba]: readonly [Ran, Ran],
): Promise<Wrong[]> {
  const names = { a: shown(a.job, 'a'), b: shown(b.job, 'b') }
  const whole: [Told, Told] = [
    { order: [names.a, names.b], seen: ab.seen },
    { order: [names.b, names.a], seen: ba.seen },
  ]
  const first = await faulty({ flow, ...options, a, b, names, whole, steps: ab.steps[0] ?? [], alone: ba.first })
  // The other way round says nothing new about two events of one handler.
  if (a.job.reader === b.job.reader && a.job.type.label === b.job.type.label) return [first]
  const turned = { a: b, b: a, names: { a: names.b, b: names.a }, whole: whole.toReversed() as [Told, Told] }
  const second = await faulty({ flow, ...options, ...turned, steps: ba.steps[0] ?? [], alone: ab.first })
  return [first, { ...second, turned: true }]
}

function findingsOf({ turned = false, ...wrong }: Wrong): Finding[] {
  return (['isolated', 'redelivery'] as const)
    .filter((level) => level in wrong)
    .map((level) => ({ level, turned, touched: true, ...(wrong[level] && { differ: wrong[level] }) }))
}

export function shown(job: Job, name: string): string {
  return `${name}: ${job.type.label}`
}

/** Runs something, and makes it not to have happened. */
export async function undone<T>(flow: Flow, work: () => Promise<T>): Promise<T> {
  const mark = flow.mark()
  try {
    return await work()
  } finally {
    flow.back(mark)
  }
}
