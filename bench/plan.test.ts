import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plan, type Step, variantOf } from './plan.ts'
import type { Contender, Scenario } from './types.ts'

const contender = (name: string, maxRounds?: number): Contender => ({
  name,
  program: 'x.ts',
  durability: 'FULL',
  events: 1,
  ...(maxRounds !== undefined && { maxRounds }),
})

const scenario = (shows: Scenario['shows']): Scenario => ({
  name: 'x',
  title: 'x',
  shows,
  core: true,
  rounds: 2,
  perSecond: 0,
  timeoutS: 1,
  contenders: [],
  targets: [],
})

const names = (steps: readonly Step[]): string[] => steps.map((step) => step.contender.name)

test('contenders take turns, round after round', () => {
  assert.deepEqual(names(plan(scenario('rate'), [contender('a'), contender('b')], 3)), ['a', 'b', 'a', 'b', 'a', 'b'])
})

test('a contender with a limit of rounds sits out the later ones', () => {
  assert.deepEqual(names(plan(scenario('rate'), [contender('a'), contender('b', 1)], 3)), ['a', 'b', 'a', 'a'])
})

test('pairs run clean, sick and clean again, and backwards in every other round', () => {
  const steps = plan(scenario('pairs'), [contender('a')], 2)
  assert.deepEqual(
    steps.map((step) => step.condition),
    ['clean', 'sick', 'again', 'again', 'sick', 'clean'],
  )
  assert.deepEqual(
    steps.slice(0, 3).map((step) => variantOf(step.condition)),
    ['clean', 'sick', 'clean'],
  )
})
