import assert from 'node:assert/strict'
import { test } from 'node:test'
import { candidates, choosing, tally } from './fixture.ts'
import { draw, random } from './random.ts'

test('everybody is as likely, whatever the weights and whoever cannot be chosen', () => {
  const avoid = new Set(['c'])
  const counts = tally(random, candidates(1, 9, 1, 0, 2), 30_000, choosing(1, { avoid }))
  assert.deepEqual([counts.c, counts.d], [0, 0])
  // Three standard deviations of a count of 30,000 at a third are 245.
  for (const id of ['a', 'b', 'e']) assert.ok(Math.abs((counts[id] as number) - 10_000) < 300, JSON.stringify(counts))
})

test('a second one is drawn evenly from the others', () => {
  const list = candidates(1, 1, 1)
  const counts = tally((of, how) => draw(of, how, list[1]), list, 20_000, choosing(2))
  assert.equal(counts.b, 0)
  assert.ok(Math.abs((counts.a as number) - 10_000) < 300, JSON.stringify(counts))
})
