import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPushback, readRetryAfter, writeRetryAfter } from './retry-after.ts'

const noon = Date.UTC(2026, 10, 26, 12)

test('seconds and dates are understood', () => {
  assert.equal(readRetryAfter('0', noon), 0)
  assert.equal(readRetryAfter('120', noon), 120_000)
  assert.equal(readRetryAfter('Thu, 26 Nov 2026 12:00:30 GMT', noon), 30_000)
  assert.equal(readRetryAfter('Thu, 26 Nov 2026 11:00:00 GMT', noon), 0)
})

test('an hour is the longest that is taken seriously', () => {
  assert.equal(readRetryAfter('999999', noon), 3_600_000)
  assert.equal(readRetryAfter('Sat, 26 Dec 2026 12:00:30 GMT', noon), 3_600_000)
})

test('anything else says nothing', () => {
  for (const text of [undefined, '', '-1', '1.5', '2026-11-26', '1 Jan 2027', 'Thu, 99 Nov 2026 12:00:30 GMT', 'soon'])
    assert.equal(readRetryAfter(text, noon), undefined)
})

test('what is written is never shorter than what is meant', () => {
  assert.equal(writeRetryAfter(1), '1')
  assert.equal(writeRetryAfter(1000), '1')
  assert.equal(writeRetryAfter(1001), '2')
})

test('gRPC asks in milliseconds; a wait that is none is nothing', () => {
  assert.deepEqual(['0', '150', '99999999'].map(readPushback), [0, 150, 3_600_000])
  assert.deepEqual([undefined, '-1', '1.5', 'x'].map(readPushback), [undefined, undefined, undefined, undefined])
})
