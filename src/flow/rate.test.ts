import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fullBucket, refill, take } from './rate.ts'

const limit = { events: 5, perMs: 1000 }

test('a full bucket gives a burst of its size, then one token each perMs / events', () => {
  let bucket = fullBucket(limit, 0)
  for (let i = 0; i < 5; i++) {
    const taken = take(bucket, limit, 0)
    assert.equal(taken.waitMs, 0)
    bucket = taken.bucket
  }
  assert.equal(take(bucket, limit, 0).waitMs, 200)
  assert.equal(take(bucket, limit, 150).waitMs, 50)
  assert.equal(take(bucket, limit, 200).waitMs, 0)
})

test('a bucket never holds more than its size, however long nothing is taken', () => {
  assert.equal(refill(fullBucket(limit, 0), limit, 1e12).tokens, 5)
})

test('asking in vain costs nothing', () => {
  const empty = { tokens: 0, at: 0 }
  const asked = take(empty, limit, 100).bucket
  assert.equal(take(asked, limit, 200).waitMs, 0)
})

test('whoever waits as long as told gets a token', () =>
  fc.assert(
    fc.property(
      fc.record({ events: fc.integer({ min: 1, max: 1000 }), perMs: fc.integer({ min: 1, max: 100_000 }) }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (given, tokens) => {
        const { waitMs, bucket } = take({ tokens, at: 0 }, given, 0)
        if (waitMs > 0) assert.equal(take(bucket, given, waitMs).waitMs, 0)
      },
    ),
  ))

test('in no span of time are more taken than a burst and what the span allows', () =>
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 300 }), { maxLength: 200 }), (waits) => {
      let bucket = fullBucket(limit, 0)
      let now = 0
      const times: number[] = []
      for (const wait of waits) {
        now += wait
        const taken = take(bucket, limit, now)
        bucket = taken.bucket
        if (taken.waitMs === 0) times.push(now)
      }
      for (let i = 0; i < times.length; i++)
        for (let j = i; j < times.length; j++) {
          const span = (times[j] as number) - (times[i] as number)
          assert.ok(j - i + 1 <= limit.events + (span * limit.events) / limit.perMs + 1e-6)
        }
    }),
  ))

test('a clock that stands still or goes back gives nothing', () => {
  assert.equal(refill({ tokens: 2, at: 500 }, limit, 100).tokens, 2)
})
