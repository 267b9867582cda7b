import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Delivery } from '../event.ts'
import { Cache } from './cache.ts'
import { sample } from './conformance/fixture.ts'

const event = (position: number, size = 0): Delivery => ({
  stream: 's',
  position,
  record: sample(`${position}`, 'x'.repeat(size)),
})

const everyThird = (from: number, until: number, size = 0): Delivery[] =>
  Array.from({ length: until }, (_, p) => p)
    .filter((p) => p >= from && p % 3 === 0)
    .map((p) => event(p, size))

test('whatever was loaded, heard and read before, a read gives exactly what the log has there, or nothing', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          from: fc.nat(60),
          heard: fc.boolean(),
          length: fc.integer({ min: 1, max: 20 }),
          read: fc.nat(80),
          most: fc.integer({ min: 1, max: 9 }),
        }),
      ),
      (steps) => {
        const cache = new Cache()
        for (const { from: first, heard, length, read, most } of steps) {
          const until = first + length
          // News covers a place and what is after it; it must join what is known.
          const from = heard ? cache.reach('s', first, until) : first
          if (from === undefined) continue
          assert.ok(from >= first && from < until)
          cache.add('s', from, until, everyThird(from, until, 20_000))
          const chunk = cache.read('s', read, { events: most, bytes: 70_000 })
          if (!chunk) continue
          const { events, next } = chunk
          assert.ok(next > read && events.length <= Math.min(most, 3))
          assert.deepEqual(
            events.map((e) => e.position),
            everyThird(read, next).map((e) => e.position),
          )
        }
      },
    ),
  ))

test('what is kept is bounded, and the newest', () => {
  const cache = new Cache()
  for (let from = 0; from < 3000; from += 30) cache.add('s', from, from + 30, everyThird(from, from + 30, 10_000))
  for (const gone of [0, 1000, 2000]) assert.equal(cache.read('s', gone, { events: 1, bytes: 1 })?.next, undefined)
  assert.equal(cache.read('s', 2990, { events: 1, bytes: 1 })?.events[0]?.position, 2991)
  for (let n = 0; n < 50; n++) cache.add(`t${n}`, 0, 3, [event(0)])
  assert.equal(cache.read('t0', 0, { events: 1, bytes: 1 }), undefined)
  assert.ok(cache.read('t49', 0, { events: 1, bytes: 1 }))
})

test('one event is given even when the credit is smaller', () => {
  const cache = new Cache()
  cache.add('s', 0, 9, everyThird(0, 9, 1000))
  assert.deepEqual(cache.read('s', 1, { events: 5, bytes: 1 }), { events: [event(3, 1000)], next: 4 })
})
