import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BenchOptions, parseOptions } from './options.ts'

const names = ['exactly-once', 'latency', 'publish']

function accepted(...args: string[]): BenchOptions {
  const parsed = parseOptions(args, names)
  assert.ok(parsed.ok)
  return parsed.options
}

function problem(...args: string[]): string {
  const parsed = parseOptions(args, names)
  assert.ok(!parsed.ok)
  return parsed.problem
}

test('without arguments each scenario decides on its rounds', () => {
  const options = accepted()
  assert.deepEqual(options.scenarios, [])
  assert.equal(options.runs, undefined)
  assert.equal(options.scale, 1)
})

test('scenarios, runs and contenders are taken as given', () => {
  const options = accepted('latency', '--runs', '3', '--only', 'limit; skerry, NORMAL', '--json')
  assert.deepEqual(options.scenarios, ['latency'])
  assert.equal(options.runs, 3)
  assert.deepEqual(options.only, ['limit', 'skerry, NORMAL'])
  assert.ok(options.json)
})

test('quick is one round with a tenth of the events, unless more rounds are asked for', () => {
  assert.equal(accepted('--quick').runs, 1)
  assert.equal(accepted('--quick').scale, 0.1)
  assert.equal(accepted('--quick', '--runs', '2').runs, 2)
})

test('an unknown option or scenario is one line that names it and the nearest valid one', () => {
  assert.equal(problem('--rnus', '3'), 'unknown option --rnus: did you mean --runs?')
  assert.equal(problem('exactly-onec'), 'unknown scenario "exactly-onec": did you mean exactly-once?')
})

test('a number of runs that is none is refused with an example', () => {
  assert.match(problem('--runs', 'many'), /--runs "many" is not a whole number.*--runs 5/)
  assert.match(problem('--runs', '0'), /not a whole number above 0/)
})
