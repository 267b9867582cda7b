import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventId, healthOf, indexOf, KEYS, keyOf, payload, Tally } from './workload.ts'

test('the JSON of every payload is exactly 256 bytes', () => {
  for (const index of [0, 7, 99_999, 9_999_999]) assert.equal(Buffer.byteLength(JSON.stringify(payload(index))), 256)
})

test('a thousand events in a row visit a thousand keys', () => {
  assert.equal(new Set(Array.from({ length: KEYS }, (_, index) => keyOf(index + 123))).size, KEYS)
})

test('an event id gives its number back', () => {
  assert.equal(indexOf(eventId(1_234_567)), 1_234_567)
})

test('one in a hundred events is poison and one in a thousand is slow', () => {
  const kinds = Array.from({ length: 10_000 }, (_, index) => healthOf(index))
  assert.equal(kinds.filter((kind) => kind === 'poison').length, 100)
  assert.equal(kinds.filter((kind) => kind === 'slow').length, 10)
})

test('a tally tells what never came and what came again, among the events expected', () => {
  const tally = new Tally(5)
  for (const index of [0, 1, 1, 3]) tally.add(index)
  assert.deepEqual(tally.count(), { lost: 2, duplicates: 1 })
  assert.deepEqual(
    tally.count((index) => index !== 4),
    { lost: 1, duplicates: 1 },
  )
})
