import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { candidates, choosing, tally } from './fixture.ts'
import { roundRobin } from './round-robin.ts'

test('in as many turns as there are endpoints each has one, whatever its weight', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), fc.nat(), (n, rounds, seed) => {
      const list = candidates(...Array.from({ length: n }, (_, i) => i + 1))
      const counts = tally(roundRobin(), list, n * rounds, choosing(seed))
      assert.deepEqual(new Set(Object.values(counts)), new Set([rounds]))
    }),
  )
})

test('clients begin with different endpoints', () => {
  const list = candidates(1, 1, 1, 1)
  const firsts = Array.from({ length: 40 }, (_, seed) => roundRobin()(list, choosing(seed))?.endpoint.id)
  assert.equal(new Set(firsts).size, 4)
})

test('a list that shrinks or grows is gone on with', () => {
  const balancer = roundRobin()
  const four = candidates(1, 1, 1, 1)
  const how = choosing(1, { random: () => 0.99 })
  assert.equal(balancer(four, how)?.endpoint.id, 'd')
  assert.equal(balancer(four, how)?.endpoint.id, 'a')
  assert.equal(balancer(four.slice(0, 1), how)?.endpoint.id, 'a')
  assert.equal(balancer([], how), undefined)
  assert.equal(balancer(four.slice(0, 2), how)?.endpoint.id, 'a')
  assert.equal(balancer(four, how)?.endpoint.id, 'b')
})
