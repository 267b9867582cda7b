import { breathe } from '../../../src/time.ts'
import { serial } from './trial.ts'
import type { Before, Result, Step, Task, World } from './world.ts'

const mostSchedules = 120

interface Waiting {
  readonly step: Step | 'begin'
  readonly go: () => void
}

/** One event being handled, stopped before each step until it is told to go on. */
class Running {
  readonly task: Task
  readonly waiting: Waiting[] = []
  result: Result | undefined

  constructor(world: World, task: Task) {
    this.task = task
    const stop = (step: Step | 'begin') => new Promise<void>((go) => this.waiting.push({ step, go }))
    // Between two statements only a process with memory can see that a handler is half done.
    const before: Before = (step) => (step === 'statement' && !world.remembers ? undefined : stop(step))
    void stop('begin')
      .then(() => world.run(task, before))
      .then((result) => (this.result = result))
  }
}

/**
 * Runs tasks side by side in every order of their steps, and tells of each ending. `state` brings the world back to where
 * all of them begin. One handler at a time holds the store.
 */
export async function interleavings(
  world: World,
  tasks: readonly Task[],
  state: () => Promise<void>,
  ending: () => Promise<boolean>,
): Promise<void> {
  let choices: number[] = []
  for (let n = 0; n < mostSchedules; n++) {
    await state()
    const arities: number[] = []
    await interleaved(world, tasks, (free) => {
      arities.push(free)
      return choices[arities.length - 1] ?? 0
    })
    if (await ending()) return
    const taken = arities.map((_, at) => choices[at] ?? 0)
    while (taken.length > 0 && (taken.at(-1) as number) + 1 >= (arities[taken.length - 1] as number)) taken.pop()
    if (taken.length === 0) return
    choices = [...taken.slice(0, -1), (taken.at(-1) as number) + 1]
  }
}

/** Runs tasks side by side in one order of their steps: at each, `choose` says which of so many goes on. */
export async function interleaved(
  world: World,
  tasks: readonly Task[],
  choose: (free: number) => number,
): Promise<void> {
  const all = tasks.map((task) => new Running(world, task))
  let holder: Running | undefined
  for (;;) {
    await breathe()
    if (holder && holder.waiting[0]?.step !== 'statement') holder = undefined
    const free = all.filter(
      (one) => one.waiting.length > 0 && !(holder && holder !== one && one.waiting[0]?.step === 'handle'),
    )
    if (free.length === 0) break
    const chosen = free[choose(free.length)] as Running
    const { step, go } = chosen.waiting.shift() as Waiting
    if (step === 'handle') holder = chosen
    go()
  }
  const failed = all.filter(({ result }) => result?.kind === 'later' || result?.kind === 'again')
  await serial(
    world,
    failed.map((one) => one.task),
  )
}
