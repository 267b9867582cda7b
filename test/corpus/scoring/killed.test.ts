import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReported, killedBy, mutantsIn, otherwise } from './killed.ts'
import type { Judgement, Reported } from './mutants.ts'

const cell = { service: 's', a: 'x.a', b: 'x.b', level: 'commuting', as: 'contract', verdict: 'dependent' } as const
const told = { broken: undefined, differs: true, cells: [{ level: 'commuting', a: 'x.a', b: 'x.b' }] } as const
const silent: Reported = { cells: [], wholes: [] }

function judgement(its: Partial<Judgement>): Judgement {
  const place = { id: 'p:f:1', operator: 'guard dropped', file: 'f.ts', line: 1 } as const
  return { ...place, told, checker: silent, baseline: undefined, changed: [], failed: undefined, ...its }
}

const some = [
  judgement({ checker: { cells: [cell], wholes: [] } }),
  judgement({ checker: { cells: [{ ...cell, as: 'unordered' }], wholes: [] }, operator: 'key changed' }),
  judgement({ checker: undefined, failed: 'nothing can be made' }),
  judgement({ told: { ...told, cells: [] } }),
  judgement({ told: { broken: undefined, differs: false, cells: [] }, checker: undefined }),
  judgement({ told: { broken: 'no such table', differs: true, cells: [] }, checker: undefined }),
]

test('mutants that do not load, or are like their originals, do not count', () => {
  assert.deepEqual(mutantsIn(some), { all: 6, unloadable: 1, alike: 1, told: 4, breaking: 3 })
})

test('what could not be checked is missed, and what only shows out of order fails no check', () => {
  const { ofBreaking, ofTold, failing, byOperator } = killedBy(({ checker }) => checker, some)
  const figures = (one: { hits: number; of: number } | undefined) => [one?.hits, one?.of]
  assert.deepEqual(figures(ofBreaking), [2, 3])
  assert.deepEqual(figures(ofTold), [2, 4])
  assert.deepEqual(figures(failing), [1, 3])
  assert.deepEqual(figures(byOperator['guard dropped']), [1, 2])
  assert.deepEqual(figures(byOperator['key changed']), [1, 1])
})

test('a verdict that is another one than on the original counts apart from reports, whichever is the worse', () => {
  const better = judgement({
    told: { ...told, cells: [] },
    checker: silent,
    changed: ['s commuting: dependent → independent'],
  })
  const { hits, of } = otherwise([...some, better])
  assert.deepEqual([hits, of], [3, 5])
  assert.equal(killedBy(({ checker }) => checker, [better]).ofTold.hits, 0)
})

test('what goes wrong with everything together is a report, too', () => {
  assert.ok(isReported({ cells: [], wholes: ['endless: more than 150 steps'] }))
  assert.ok(!isReported(silent))
})
