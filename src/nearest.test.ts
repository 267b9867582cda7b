import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { distance, nearest } from './nearest.ts'

test('one edit is an insertion, a deletion, a replacement or a swap of neighbours', () => {
  assert.equal(distance('tail', 'tail'), 0)
  assert.equal(distance('tal', 'tail'), 1)
  assert.equal(distance('taill', 'tail'), 1)
  assert.equal(distance('tael', 'tail'), 1)
  assert.equal(distance('tial', 'tail'), 1)
  assert.equal(distance('', 'tail'), 4)
  assert.equal(distance('kitten', 'sitting'), 3)
})

test('the distance is the same in both directions, and 0 for the same word alone', () => {
  const word = fc.string({ maxLength: 6 })
  fc.assert(fc.property(word, word, (a, b) => distance(a, b) === distance(b, a)))
  fc.assert(fc.property(word, word, (a, b) => (distance(a, b) === 0) === (a === b)))
})

test('the nearest word is found whatever its case', () => {
  assert.equal(nearest('STATSU', ['tail', 'status', 'run']), 'status')
  assert.equal(nearest('x', []), undefined)
})
