import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch } from './bus.ts'
import { longestQueue, merged, refusalOf } from './waiting.ts'

const batch = (after: number, first: number, count: number, frame = 'x'): Batch => ({
  ...{ stream: 's', producer: 'p', after, first, count, frame },
})

const nothing = { queued: 0, pending: 0 }

test('a batch that is numbered wrongly is refused, with its numbers', () => {
  for (const wrong of [batch(0, 1, 0), batch(1, 1, 1), batch(-1, 1, 1)]) {
    const refusal = refusalOf(wrong, nothing, 'here')
    assert.equal(refusal?.code, 'invalid_config')
    assert.match(refusal?.message ?? '', new RegExp(`^here: producer p .*after ${wrong.after}, first 1, count`))
  }
  assert.equal(refusalOf(batch(0, 5, 1), nothing, 'here'), undefined)
})

test('too much that waits is overloaded, and one alone may be as large as it is', () => {
  assert.equal(refusalOf(batch(0, 1, 1), { queued: longestQueue, pending: 1 }, 'here')?.code, 'overloaded')
  assert.equal(refusalOf(batch(0, 1, 1, 'x'.repeat(longestQueue + 1)), nothing, 'here'), undefined)
})

test('batches that continue one another are one with all their events', () => {
  const run = [batch(3, 5, 2, 'a'), batch(6, 7, 1, 'b')].map((one) => ({ batch: one }))
  assert.deepEqual(merged(run), batch(3, 5, 3, 'ab'))
  assert.equal(merged(run.slice(0, 1)), run[0]?.batch)
})
