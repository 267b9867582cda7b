import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { candidate } from './candidate.ts'
import { candidates, choosing, endpointOf, tally } from './fixture.ts'
import { weighted } from './weighted.ts'

const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 })
const sum = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0)

test('in as many turns as the sum of the weights each has exactly its weight', () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 4 }), (ws, rounds) => {
      const list = candidates(...ws)
      const counts = tally(weighted(), list, sum(ws) * rounds, choosing(1))
      assert.deepEqual(
        list.map((c) => counts[c.endpoint.id]),
        ws.map((w) => w * rounds),
      )
    }),
  )
})

test('turns are spread: 5, 1, 1 never gives five in a row', () => {
  const balancer = weighted()
  const list = candidates(5, 1, 1)
  const turns = Array.from({ length: 7 }, () => balancer(list, choosing(1))?.endpoint.id)
  assert.equal(turns.join(' '), 'a a b a c a a')
})

test('capacities with fractions give shares as exactly', () => {
  const counts = tally(weighted(), candidates(0.5, 0.3, 0.2), 10_000, choosing(1))
  for (const [id, share] of Object.entries({ a: 5000, b: 3000, c: 2000 }))
    assert.ok(Math.abs((counts[id] as number) - share) <= 1, JSON.stringify(counts))
})

test('a capacity that an instance reports anew counts from the next turn on', () => {
  const balancer = weighted()
  const before = candidates(1, 1)
  tally(balancer, before, 100, choosing(1))
  const after = before.map((c, i) => candidate(endpointOf(i, i === 0 ? 3 : 1), c.since, c))
  assert.deepEqual(tally(balancer, after, 400, choosing(1)), { a: 300, b: 100 })
})

test('a new list does not begin with the heaviest again', () => {
  const balancer = weighted()
  const turns = Array.from({ length: 400 }, () => balancer(candidates(3, 1), choosing(1))?.endpoint.id)
  assert.equal(turns.filter((id) => id === 'b').length, 100)
})

test('a new endpoint has a tenth of its share, then more, after half a minute all of it', () => {
  const list = [candidate(endpointOf(0), Number.NEGATIVE_INFINITY), candidate(endpointOf(1), 0)]
  const shareAt = (now: number): number => (tally(weighted(), list, 1100, choosing(1, { now })).b as number) / 1100
  assert.ok(Math.abs(shareAt(0) - 0.1 / 1.1) < 0.002)
  assert.ok(Math.abs(shareAt(15_000) - 0.5 / 1.5) < 0.002)
  assert.equal(shareAt(30_000), 0.5)
})
