import { pathToFileURL } from 'node:url'
import type { AnyService } from '../../../src/service.ts'
import type { Checks } from '../checks.ts'
import type { Level } from '../expected.ts'
import { type Break, breaks } from './levels.ts'
import { trialOf } from './trial.ts'
import { handledBy, isService, World } from './world.ts'

export interface Question {
  readonly service: string
  readonly a: string
  readonly b: string
  readonly level: Level
  readonly as: 'unordered' | 'contract'
}

export interface Answer {
  /** What broke, in the trial of this number. */
  readonly found: { readonly trial: number; readonly break: string } | undefined
  /** Trials that had a pair of events. */
  readonly trials: number
}

/** How many trials a cell gets: `least` when nothing is expected to be found, up to `most` when something is. */
export interface Effort {
  readonly least: number
  readonly most: number
}

export async function servicesOf(file: string): Promise<AnyService[]> {
  const module: Record<string, unknown> = await import(pathToFileURL(file).href)
  return Object.values(module).filter(isService)
}

/** Answers every question about one service, by running its handlers. */
export async function judge<Q extends Question>(
  service: AnyService,
  checks: Checks,
  questions: readonly Q[],
  effort: (question: Q) => number,
): Promise<Map<Q, Answer>> {
  const world = await World.open(service, checks)
  const root = world.mark()
  const types = handledBy(service)
  const typeOf = (label: string) => {
    const type = types.get(label)
    if (!type) throw new Error(`${service.name} does not handle ${label}; it handles ${[...types.keys()].join(', ')}`)
    return type
  }
  try {
    const answers = new Map<Q, Answer>()
    for (const question of questions) {
      const [a, b] = [typeOf(question.a), typeOf(question.b)]
      let found: { trial: number; break: string } | undefined
      let trials = 0
      for (let n = 0; n < effort(question) && !found; n++) {
        const trial = trialOf(world, root, a, b, `${service.name} ${question.a} ${question.b} ${n}`)
        if (!trial) continue
        trials++
        const broken: Break = await breaks[question.level](trial, question.as)
        if (broken) found = { trial: n, break: broken }
      }
      answers.set(question, { found, trials })
    }
    return answers
  } finally {
    root.drop()
    world.close()
  }
}
