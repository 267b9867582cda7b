import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unlessPanic } from './panic.ts'

const all = ['a', 'b', 'c', 'd']
const but = (out: string) => (id: string) => !out.includes(id)

test('those that are usable are used', () => {
  assert.deepEqual(unlessPanic(all, but('a')), ['b', 'c', 'd'])
  assert.deepEqual(unlessPanic(all, but('ab')), ['c', 'd'])
})

test('all are used where less than half is usable', () => {
  assert.equal(unlessPanic(all, but('abc')), all)
  assert.equal(unlessPanic(all, but('abcd')), all)
})

test('the list is the same one where nothing is left out', () => assert.equal(unlessPanic(all, but('')), all))

test('without panic, as in Istio, what is not usable is never used', () => {
  assert.deepEqual(unlessPanic(all, but('abc'), 0), ['d'])
  assert.deepEqual(unlessPanic(all, but('abcd'), 0), [])
})
