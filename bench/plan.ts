/** In which order the runs of a scenario happen. Pure. */
import type { Contender, Run, Scenario } from './types.ts'

/** A contender in one of the conditions that its scenario compares. */
export interface Lane {
  readonly contender: Contender
  readonly condition: Condition
}

/** `again` is a second clean run: its ratio to the first shows what noise alone does. */
export type Condition = 'clean' | 'sick' | 'again'

export interface Step extends Lane {
  readonly round: number
}

const CONDITIONS: readonly Condition[] = ['clean', 'sick', 'again']

/**
 * Round-robin, so that a slow minute of the machine falls on all contenders alike: A B C, A B C, … Pairs alternate
 * their direction (clean sick again, again sick clean), so that neither always has the fresher machine.
 */
export function plan(scenario: Scenario, contenders: readonly Contender[], rounds: number): Step[] {
  const steps: Step[] = []
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      if (round >= (contender.maxRounds ?? rounds)) continue
      for (const condition of conditionsOf(scenario, round)) steps.push({ contender, condition, round })
    }
  }
  return steps
}

export function variantOf(condition: Condition): Run['variant'] {
  return condition === 'sick' ? 'sick' : 'clean'
}

function conditionsOf(scenario: Scenario, round: number): readonly Condition[] {
  if (scenario.shows !== 'pairs') return ['clean']
  return round % 2 === 0 ? CONDITIONS : CONDITIONS.toReversed()
}
