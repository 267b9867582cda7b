import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { accept, continues, lastOf } from './accept.ts'

const batches = fc.record({
  after: fc.nat(20),
  gap: fc.integer({ min: 1, max: 3 }),
  count: fc.integer({ min: 1, max: 8 }),
})

test('whatever is sent, in whatever order and however often, each number is taken at most once and in order', () =>
  fc.assert(
    fc.property(fc.array(batches, { maxLength: 30 }), (sent) => {
      let mark = 0
      const taken: number[] = []
      for (const { after, gap, count } of sent) {
        const batch = { after, first: after + gap, count }
        const acceptance = accept(batch, mark)
        assert.equal(acceptance.kind === 'conflict', after > mark)
        if (acceptance.kind !== 'accepted') continue
        for (let n = batch.first + acceptance.drop; n <= lastOf(batch); n++) taken.push(n)
        mark = lastOf(batch)
      }
      assert.deepEqual(
        taken,
        [...new Set(taken)].sort((a, b) => a - b),
      )
      assert.equal(taken.at(-1) ?? 0, mark)
    }),
  ))

test('one who sends on from the mark is always accepted, less what is known', () =>
  fc.assert(
    fc.property(fc.nat(100), fc.nat(100), fc.integer({ min: 1, max: 50 }), (mark, back, count) => {
      const after = Math.max(0, mark - back)
      const acceptance = accept({ after, first: after + 1, count }, mark)
      if (after + count <= mark) assert.deepEqual(acceptance, { kind: 'known' })
      else assert.deepEqual(acceptance, { kind: 'accepted', drop: mark - after })
    }),
  ))

test('a batch continues another only in the same stream, by the same producer, at the next number', () => {
  const batch = { stream: 's', producer: 'p', after: 3, first: 4, count: 2, frame: '' }
  const next = { ...batch, after: 5, first: 6 }
  assert.equal(continues(batch, next), true)
  for (const other of [{ stream: 't' }, { producer: 'q' }, { after: 4 }, { first: 7 }])
    assert.equal(continues(batch, { ...next, ...other }), false)
})
