import type { Step } from './doing.ts'
import type { Course, Flow, Pending } from './flow.ts'
import { nameOf } from './job.ts'
import { look, type Opaque, type Seen, type Told, textOf } from './observed.ts'

/** Which of so many faults are tried, at most `most`, unless all are. */
export type Some = (faults: number, most: number) => readonly number[]

export interface Faulty {
  readonly flow: Flow
  /** The one that something goes wrong with. */
  readonly a: Pending
  readonly b: Pending
  readonly names: { readonly a: string; readonly b: string }
  readonly hidden: Opaque
  readonly some: Some
  /** Whether invariants hold at the beginning, and are to hold at the end. */
  readonly asks: boolean
  /** What the two come to when nothing goes wrong: a first, and b first. */
  readonly whole: readonly [Told, Told]
  /** The steps of a when it goes first. */
  readonly steps: readonly Step[]
  /** What b comes to alone, where that is known. */
  readonly alone: Seen | undefined
}

/** What was found wrong; `redelivery` is absent where a does not succeed at once even when nothing goes wrong. */
export interface Wrong {
  readonly isolated: Differ | undefined
  readonly redelivery?: Differ | undefined
  /** A fault after which an invariant does not hold. */
  readonly broken?: Told
  /** The two the other way round. */
  readonly turned?: boolean
}

interface Fault {
  readonly what: string
  /** The event is as if it had not come yet, so that others may well go first. */
  readonly anew: boolean
  run(): Promise<void>
}

/** How a run differs from what it should have come to. */
export type Differ = readonly [Told, Told]

/** What a fault of one event changes for another, and for itself once it is handled again. */
export async function faulty(given: Faulty): Promise<Wrong> {
  const succeeds = given.steps.every(({ outcome }) => outcome === 'done')
  if (succeeds && !keepsAnything(given.a)) return rolledBack(given)
  return { isolated: await isolated(given), ...(succeeds && (await redelivered(given))) }
}

/** Whether a try leaves anything beside the rows that are rolled back with it. */
function keepsAnything({ job }: Pending): boolean {
  return job.handler.prepare !== undefined || job.unit.remembering !== undefined
}

/** Both questions by one run: every fault of such a handler is a transaction that is rolled back. */
async function rolledBack(given: Faulty): Promise<Wrong> {
  const { flow, a, b, names, hidden, whole } = given
  const only = await alone(given)
  for (const point of chosen(given, pointsOf(given.steps))) {
    let without: Seen | undefined
    const again = await afterwards(given, async () => {
      await fail(given, point)
      await flow.deliverAll([b])
      without = look(flow.world, flow.course, hidden)
      await flow.deliverAll([a])
    })
    const fails = `${names.a} fails ${placeOf(given, point)}`
    const isolated = without && differ(b, only, without, [[names.b], [fails, names.b]])
    const serial = whole.some(({ seen }) => textOf(seen) === textOf(again))
    const order = [fails, names.b, `${names.a} again`]
    const redelivery: Differ | undefined = serial ? undefined : [whole[1], { order, seen: again }]
    if (isolated || redelivery) return { isolated, redelivery }
  }
  return { isolated: undefined, redelivery: undefined }
}

async function alone(given: Faulty): Promise<Seen> {
  return given.alone ?? afterwards(given, async () => void (await given.flow.deliverAll([given.b])))
}

/** A failed try leaves rows, emissions, and what the other one does, as if it had never been. */
async function isolated(given: Faulty): Promise<Differ | undefined> {
  const { flow, b, names } = given
  const only = await alone(given)
  for (const point of chosen(given, pointsOf(given.steps))) {
    let called = false
    const seen = await afterwards(given, async () => {
      await fail(given, point)
      called = flow.course.changes.length > 0 || flow.course.emitted.size > 0
      await flow.deliverAll([b])
    })
    // Of such a try something is left for certain: what it called has happened.
    if (called) continue
    const fails = `${names.a} fails ${placeOf(given, point)}`
    const found = differ(b, only, seen, [[names.b], [fails, names.b]])
    if (found) return found
  }
  return undefined
}

function differ(
  b: Pending,
  only: Seen,
  seen: Seen,
  [left, right]: readonly [readonly string[], readonly string[]],
): Differ | undefined {
  if (textOf(ofOne(b, only)) === textOf(ofOne(b, seen))) return undefined
  return [
    { order: left, seen: only },
    { order: right, seen },
  ]
}

/** Handled again after anything that may have happened to it, an event comes to what it would have come to at once. */
async function redelivered(given: Faulty): Promise<Pick<Wrong, 'redelivery' | 'broken'>> {
  const { flow, a, b, names, whole } = given
  const serial = whole.map(({ seen }) => textOf(seen))
  const faults = faultsOf(given)
  const asks = given.asks && flow.world.hasInvariants
  let redelivery: Differ | undefined
  let broken: Told | undefined
  for (const at of chosen(given, faults.length)) {
    if (redelivery && (broken || !asks)) break
    const { what, anew, run } = faults[at] as Fault
    const after = async (jobs: readonly Pending[], order: readonly string[]): Promise<Told> => {
      let invariant: string | undefined
      const seen = await afterwards(given, async () => {
        await run()
        await flow.deliverAll(jobs)
        if (asks && !broken) invariant = await flow.world.broken()
      })
      const told = { order: [`${names.a} ${what}`, ...order], seen }
      if (invariant !== undefined) broken = { ...told, order: [...told.order, `breaks the invariant '${invariant}'`] }
      return told
    }
    const again = await after([a, b], [names.a, names.b])
    if (textOf(again.seen) !== serial[0]) redelivery ??= [whole[0], again]
    if (redelivery || !anew) continue
    const later = await after([b, a], [names.b, names.a])
    if (!serial.includes(textOf(later.seen))) redelivery = [whole[1], later]
  }
  return { redelivery, ...(broken && { broken }) }
}

/** What a process remembers depends on so much, and outside work on where it is cut, that one fault a trial is not enough. */
function chosen({ a, some }: Faulty, faults: number): readonly number[] {
  return some(faults, keepsAnything(a) ? 3 : 1)
}

function faultsOf(given: Faulty): Fault[] {
  const { flow, a } = given
  const { remembering } = a.job.unit
  const elsewhere = remembering ? 1 - a.instance : a.instance
  const crashes = [...Array(pointsOf(given.steps)).keys()].map((point) => ({
    what: `is lost in a crash ${placeOf(given, point)}`,
    anew: true,
    run: async () => {
      const { course } = flow
      await fail(given, point)
      rewind(flow, course)
      flow.crash(a)
    },
  }))
  return [
    ...crashes,
    {
      what: 'is handled, and its process ends before it says so',
      anew: false,
      run: async () => {
        await flow.deliverAll([a])
        flow.world.crash(a.job.unit, a.instance)
      },
    },
    { what: 'is rolled back, with its batch', anew: false, run: async () => undo(flow, await prepared(flow, a)) },
    {
      what: 'is prepared, and late: another process handles it',
      anew: false,
      run: async () => {
        const { course } = flow
        const late = await prepared(flow, a)
        rewind(flow, course)
        await flow.deliverAll([flow.assign(a, elsewhere)])
        await undo(flow, late)
      },
    },
    {
      what: 'is handled, and late: another process has its place',
      anew: false,
      run: async () => {
        const { course } = flow
        await undo(flow, await prepared(flow, a))
        rewind(flow, course)
        await flow.deliverAll([flow.assign(a, elsewhere)])
      },
    },
  ]
}

/** Nothing has become of the event, but what it called has happened. */
function rewind(flow: Flow, course: Course): void {
  const { changes, emitted, pending } = flow.course
  const before = new Set(course.pending.map(({ job }) => nameOf(job)))
  const come = pending.filter(({ job }) => !before.has(nameOf(job)))
  flow.course = { ...course, changes, emitted, pending: [...course.pending, ...come] }
}

/** Everything is done, and undone in the store. */
async function undo({ world }: Flow, one: Pending | undefined): Promise<void> {
  if (one) await world.handle(one.job, one.prepared, { instance: one.instance, undo: true })
}

/** The event after its first step; `undefined` when that fails. */
async function prepared(flow: Flow, one: Pending): Promise<Pending | undefined> {
  if (one.stage === 'prepare') await flow.step(one)
  const now = current(flow, one)
  return now?.stage === 'handle' ? now : undefined
}

/** A try that fails at its n-th operation, counted through both steps. */
async function fail({ flow, a, steps }: Faulty, point: number): Promise<void> {
  const first = pointsIn(steps, 'prepare')
  if (point < first) await flow.step(a, { failAt: point })
  else if (a.stage === 'prepare') await flow.step(a)
  const now = current(flow, a)
  // One that goes on although its first step failed fails at once in its second.
  if (now?.stage === 'handle') await flow.step(now, { failAt: Math.max(0, point - first) })
}

/** Places at which an event can fail: before each operation, and at the end of each step. */
function pointsOf(steps: readonly Step[]): number {
  return pointsIn(steps, 'prepare') + pointsIn(steps, 'handle')
}

function pointsIn(steps: readonly Step[], stage: 'prepare' | 'handle'): number {
  const step = stage === 'handle' ? steps.at(-1) : steps.length > 1 ? steps.at(-2) : undefined
  return step ? step.operations + 1 : 0
}

function placeOf({ steps }: Faulty, point: number): string {
  const first = pointsIn(steps, 'prepare')
  const [step, at] = point < first ? (['prepare', point] as const) : (['handle', point - first] as const)
  const operations = pointsIn(steps, step) - 1
  return at < operations ? `in ${step}, at operation ${at + 1} of ${operations}` : `at the end of ${step}`
}

function current(flow: Flow, one: Pending): Pending | undefined {
  return flow.course.pending.find(({ job }) => nameOf(job) === nameOf(one.job))
}

/** What is seen after that; then it has not happened. */
async function afterwards({ flow, hidden }: Faulty, work: () => Promise<void>): Promise<Seen> {
  const mark = flow.mark()
  try {
    await work()
    return look(flow.world, flow.course, hidden)
  } finally {
    flow.back(mark)
  }
}

/** Without what is the failed event's own: what it did outside, and what became of it. */
function ofOne({ job }: Pending, seen: Seen): Seen {
  const own = (text: string): boolean => text.startsWith(`${nameOf(job)} `)
  return { ...seen, outside: seen.outside.filter(own), settled: seen.settled.filter(own) }
}
