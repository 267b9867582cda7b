import type { AnyEvent } from '../../../src/contract.ts'
import type { Delivery } from '../../../src/event.ts'
import { seededRandom } from '../../../src/ids.ts'
import { Generator } from './generate.ts'
import { handledBy, type Task, type World } from './world.ts'

const longestPrefix = 4
const rounds = 4

/** One pair of events in one state. Everything in it follows from the seed. */
export interface Trial {
  readonly world: World
  readonly a: Delivery
  readonly b: Delivery
  /** A's fact under another id. */
  readonly copy: Delivery
  /** What a service with memory is asked afterwards, so that what it remembers shows. */
  readonly probe: Delivery | undefined
  readonly prefix: readonly Delivery[]
  readonly instances: readonly [a: number, b: number]
  /** Brings the world to the state that the prefix makes of an empty one. */
  readonly state: () => Promise<void>
  /** The same, with what `remember` says about the processes of a fresh start. */
  readonly afresh: () => Promise<void>
}

/** Undefined when the facts of a kind run out before the pair has its own. */
export function trialOf(
  world: World,
  root: { back(): void },
  a: AnyEvent,
  b: AnyEvent,
  seed: string,
): Trial | undefined {
  const random = seededRandom(seed)
  const generator = new Generator(world.checks, random)
  const types = [...handledBy(world.service).values()]
  const pick = (): AnyEvent => types[Math.floor(random() * types.length)] as AnyEvent
  const first = generator.event(a)
  const second = generator.event(b)
  const wanted = Math.floor(random() * (longestPrefix + 1))
  const prefix = Array.from({ length: wanted }, () => generator.event(pick())).filter((event) => event !== undefined)
  const probe = world.remembers ? generator.event(pick()) : undefined
  if (!first || !second) return undefined
  const instance = (): number => (world.remembers && random() < 0.5 ? 1 : 0)
  const where = prefix.map(instance)
  const state = async (): Promise<void> => {
    root.back()
    await serial(
      world,
      prefix.flatMap((event, at) => world.tasks(event, where[at] as number)),
    )
  }
  return {
    ...{ world, a: first, b: second, copy: generator.again(first), probe, prefix, state },
    instances: [instance(), instance()],
    afresh: async () => root.back(),
  }
}

/** One after another; what fails is tried again behind the others. */
export async function serial(world: World, tasks: readonly Task[]): Promise<void> {
  let waiting = tasks
  for (let round = 0; round < rounds && waiting.length > 0; round++) {
    const failed: Task[] = []
    for (const task of waiting) {
      const { kind } = await world.run(task)
      if (kind === 'later' || kind === 'again') failed.push(task)
    }
    waiting = failed
  }
}

export const tasksOfA = ({ world, a, instances }: Trial): Task[] => world.tasks(a, instances[0])
export const tasksOfB = ({ world, b, instances }: Trial): Task[] => world.tasks(b, instances[1])
export const tasksOfProbe = ({ world, probe }: Trial): Task[] => (probe ? world.tasks(probe, 0) : [])

/** True when the subscription's contract fixes the order of the two. */
export function orderedByContract({ a, b, world }: Pick<Trial, 'a' | 'b' | 'world'>): boolean {
  if (a.stream !== b.stream || a.record.key !== b.record.key) return false
  const ofA = new Set(world.tasks(a, 0).map((task) => task.subscription))
  const shared = world.tasks(b, 0).filter((task) => ofA.has(task.subscription))
  const ordered = (id: string) =>
    world.service.subscriptions.get(id.slice(id.indexOf('/') + 1))?.options.order === 'key'
  return shared.length > 0 && shared.every((task) => ordered(task.subscription)) && shared.length === ofA.size
}
