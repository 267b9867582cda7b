import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fold } from './facts.ts'
import { checkCommitted, placeOf } from './starts.ts'

const partition = { topic: 'app.s', partition: 3, stored: 0, start: 0, first: 0, next: 100 }

describe('where reading begins', () => {
  test('where the store is, or where the consumer began', () => {
    assert.equal(placeOf({ ...partition, stored: 40, start: 7 }), 40)
    assert.equal(placeOf({ ...partition, start: 7 }), 7)
    assert.equal(placeOf({ ...partition, stored: 100 }), 100)
  })

  test('a place that retention took, and one beyond the end, are refused by name', () => {
    assert.throws(() => placeOf({ ...partition, stored: 40, first: 41 }), {
      code: 'position_lost',
      message: /app\.s .*40 to 40/,
    })
    assert.throws(() => placeOf({ ...partition, stored: 101 }), { code: 'log_changed', message: /101 of partition 3/ })
  })

  test('a store behind what it committed is refused', () => {
    checkCommitted('ear/ears', 'app.s/3', 40, 40)
    checkCommitted('ear/ears', 'app.s/3', 40, -1)
    assert.throws(() => checkCommitted('ear/ears', 'app.s/3', 40, 41), {
      code: 'log_changed',
      message: /^ear\/ears: .*older copy/,
    })
  })
})

test('of two lines that follow on the same state the first counts', () => {
  const facts = new Map()
  fold(facts, 'a', { after: 0, token: 'one', value: 1 })
  fold(facts, 'a', { after: 0, token: 'two', value: 2 })
  assert.deepEqual(facts.get('a'), { changes: 1, token: 'one', value: 1 })
  fold(facts, 'a', { after: 1, token: 'three' })
  assert.deepEqual(facts.get('a'), { changes: 2, token: 'three', value: undefined })
})
