import type { Level } from '../expected.ts'
import { textOf } from './compare.ts'
import { interleavings } from './interleave.ts'
import { orderedByContract, serial, type Trial, tasksOfA, tasksOfB, tasksOfProbe } from './trial.ts'
import { type Before, name, type Task, type World } from './world.ts'

/**
 * What breaks a level in one trial, or undefined. Each follows the definition in the README word by word, without any
 * reduction: that is what makes it slow, and worth having.
 */
export type Break = string | undefined
type Breaks = (trial: Trial, as: 'unordered' | 'contract') => Promise<Break>

export const breaks: Readonly<Record<Level, Breaks>> = {
  commuting: async (trial, as) => {
    if (as === 'contract' && orderedByContract(trial)) return undefined
    const [ab, ba] = await bothOrders(trial)
    return ab === ba ? undefined : `a, b: ${ab}\nb, a: ${ba}`
  },

  'race-free': async (trial, as) => {
    if (as === 'contract' && orderedByContract(trial)) return undefined
    const tasks = [...tasksOfA(trial), ...tasksOfB(trial)]
    if (atomic(trial.world, tasks)) return undefined
    const serially = await bothOrders(trial)
    return anyInterleaving(trial, tasks, async () => {
      await serial(trial.world, tasksOfProbe(trial))
      const text = textOf(trial.world.observe())
      return serially.includes(text) ? undefined : text
    })
  },

  'conflict-free': async (trial) => {
    const orders = [
      [tasksOfA(trial), tasksOfB(trial)],
      [tasksOfB(trial), tasksOfA(trial)],
    ] as const
    for (const [first, second] of orders) {
      await trial.state()
      const ofFirst = await changedBy(trial.world, first)
      const ofSecond = await changedBy(trial.world, second)
      const common = [...ofFirst].find((row) => ofSecond.has(row))
      if (common) return `both write ${common}`
    }
    return breaks.commuting(trial, 'unordered')
  },

  redelivery: async (trial) => {
    const [task] = tasksOfA(trial)
    if (!task) return undefined
    await trial.state()
    if ((await trial.world.run(task)).kind !== 'handled') return undefined
    await serial(trial.world, tasksOfB(trial))
    const plain = textOf(trial.world.observe())
    return afterEachFault(trial, task, async () => {
      await serial(trial.world, tasksOfB(trial))
      const text = textOf(trial.world.observe())
      return text === plain ? undefined : `once: ${plain}\nredelivered: ${text}`
    })
  },

  're-publication': async (trial) =>
    (await republished(trial, tasksOfA(trial))) ?? republished(trial, [...tasksOfA(trial), ...tasksOfB(trial)]),

  rebuild: async (trial, as) => {
    const { world, prefix, state, afresh } = trial
    const orders = [[...tasksOfA(trial), ...tasksOfB(trial)]]
    if (as === 'unordered' || !orderedByContract(trial)) orders.push([...tasksOfB(trial), ...tasksOfA(trial)])
    await afresh()
    const log = [...prefix, trial.a, trial.b]
    await serial(
      world,
      log.flatMap((event) => world.tasks(event, 0)),
    )
    const rebuilt = JSON.stringify([...world.store.rows()])
    for (const order of orders) {
      await state()
      await serial(world, order)
      const live = JSON.stringify([...world.store.rows()])
      if (live !== rebuilt) return `live: ${live}\nrebuilt: ${rebuilt}`
    }
    return undefined
  },

  'isolated-failure': async (trial) => {
    const { world, a } = trial
    const leaving = { outcomesOf: new Set([a.record.id]), effectsOf: new Set([a.record.id]) }
    await trial.state()
    await serial(world, tasksOfB(trial))
    const alone = textOf(world.observe(), leaving)
    const [task] = tasksOfA(trial)
    for (let at = 0; task; at++) {
      await trial.state()
      if (!(await failAt(world, task, at))) return undefined
      await serial(world, tasksOfB(trial))
      const text = textOf(world.observe(), leaving)
      if (text !== alone) return `alone: ${alone}\nafter a failure: ${text}`
    }
    return undefined
  },

  invariants: async (trial) => {
    const { world } = trial
    await trial.state()
    if (world.brokenInvariants().length > 0) return undefined
    const look = async (): Promise<Break> => world.brokenInvariants()[0]
    const [ofA, ofB] = [tasksOfA(trial), tasksOfB(trial)]
    for (const order of [
      [...ofA, ...ofB],
      [...ofB, ...ofA],
    ]) {
      await trial.state()
      await serial(world, order)
      const broken = await look()
      if (broken) return broken
    }
    const side = [...ofA, ...ofB]
    const raced = atomic(world, side) ? undefined : await anyInterleaving(trial, side, look)
    if (raced) return raced
    return ofA[0] && afterEachFault(trial, ofA[0], look)
  },
}

/** Handlers of one step run one after another whatever happens: there is nothing to interleave. */
export function atomic(world: World, tasks: readonly Task[]): boolean {
  return !world.remembers && tasks.every((task) => !task.entry.handler.prepare)
}

async function bothOrders(trial: Trial): Promise<[string, string]> {
  const run = async (tasks: readonly Task[]): Promise<string> => {
    await trial.state()
    await serial(trial.world, tasks)
    await serial(trial.world, tasksOfProbe(trial))
    return textOf(trial.world.observe())
  }
  const [ofA, ofB] = [tasksOfA(trial), tasksOfB(trial)]
  return [await run([...ofA, ...ofB]), await run([...ofB, ...ofA])]
}

async function anyInterleaving(trial: Trial, tasks: readonly Task[], look: () => Promise<Break>): Promise<Break> {
  let found: Break
  await interleavings(trial.world, tasks, trial.state, async () => {
    found = await look()
    return found !== undefined
  })
  return found
}

export async function changedBy(world: World, tasks: readonly Task[]): Promise<Set<string>> {
  const before = world.store.rows()
  await serial(world, tasks)
  return world.store.changed(before, world.store.rows())
}

/** Runs a task undone and again, crashed before each step and again, and beside another process that was faster. */
async function afterEachFault(trial: Trial, task: Task, look: () => Promise<Break>): Promise<Break> {
  const { world, state } = trial
  const other = { ...task, instance: world.remembers ? 1 - task.instance : 0 }
  await state()
  await undone(world, task, await world.prepare(task))
  await world.run(task)
  const rerun = await look()
  if (rerun) return `a batch undone: ${rerun}`
  await state()
  const late = await world.prepare(task)
  await world.run(other)
  await undone(world, task, late)
  const zombie = await look()
  if (zombie) return `a late process: ${zombie}`
  for (let at = 0; ; at++) {
    await state()
    if (!(await failAt(world, task, at))) return undefined
    world.crash(task.instance)
    await world.run(task)
    const crashed = await look()
    if (crashed) return `a crash at step ${at}: ${crashed}`
  }
}

/** Its work fails or is rolled back; either way nothing of it is in the store. */
export async function undone(world: World, task: Task, prepared: unknown): Promise<void> {
  await world.handle(task, prepared, () => {}, 'undo').catch(() => {})
}

/** False when the task has fewer steps than that. */
export async function failAt(world: World, task: Task, step: number): Promise<boolean> {
  let left = step
  let failed = false
  const before: Before = () => {
    if (left-- > 0) return
    failed = true
    throw new Error('made to fail')
  }
  await world
    .prepare(task, before)
    .then((prepared) => world.handle(task, prepared, before, 'keep'))
    .catch(() => {})
  return failed
}

async function republished(trial: Trial, tasks: readonly Task[]): Promise<Break> {
  const { world, copy, a } = trial
  const copies = world.tasks(copy, 0)
  await trial.state()
  await serial(world, tasks)
  const before = world.observe()
  if (tasksOfA(trial).some((task) => before.outcomes.get(name(task)) !== 'handled')) return undefined
  await serial(world, copies)
  const after = world.observe()
  const failed = copies.find((task) => after.outcomes.get(name(task)) !== 'handled')
  if (failed) return `the copy of ${a.record.type} is not handled`
  const leaving = { outcomesOf: new Set([copy.record.id]) }
  const [once, twice] = [textOf(before, leaving), textOf(after, leaving)]
  return once === twice ? undefined : `once: ${once}\ntwice: ${twice}`
}
