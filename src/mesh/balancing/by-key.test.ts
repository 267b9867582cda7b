import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byKey } from './by-key.ts'
import { type Candidate, candidate } from './candidate.ts'
import { candidates, choosing, endpointOf, tally } from './fixture.ts'

const keys = Array.from({ length: 4000 }, (_, i) => `customer-${i}`)
const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 12 })

function homes(list: readonly Candidate[], of: readonly string[] = keys): string[] {
  const balancer = byKey()
  return of.map((key) => balancer(list, choosing(1, { key }))?.endpoint.id ?? '')
}

test('a key has one home, for every client, in whatever order it knows the endpoints', () => {
  fc.assert(
    fc.property(weights, fc.array(fc.string(), { minLength: 1 }), fc.nat(), (ws, some, by) => {
      const list = candidates(...ws)
      const turned = [...list.slice(by % list.length), ...list.slice(0, by % list.length)].reverse()
      assert.deepEqual(homes(turned, some), homes(list, some))
    }),
  )
})

test('when an endpoint leaves its keys alone move, and when it comes back they come home', () => {
  fc.assert(
    fc.property(weights, fc.nat(), (ws, who) => {
      const list = candidates(...ws)
      const gone = list[who % list.length] as Candidate
      const before = homes(list)
      const after = homes(list.filter((c) => c !== gone))
      for (const [i, home] of before.entries())
        if (home === gone.endpoint.id) assert.notEqual(after[i], home)
        else assert.equal(after[i], home)
    }),
    { numRuns: 15 },
  )
})

test('the keys of one that leaves are spread over all others', () => {
  const list = candidates(1, 1, 1, 1, 1)
  const before = homes(list)
  const moved = homes(list.slice(1)).filter((_, i) => before[i] === 'a')
  for (const id of ['b', 'c', 'd', 'e']) {
    const share = moved.filter((home) => home === id).length / moved.length
    assert.ok(Math.abs(share - 0.25) < 0.06, `${id} has ${share}`)
  }
})

test('shares of keys follow weights', () => {
  fc.assert(
    fc.property(weights, (ws) => {
      const list = candidates(...ws)
      const total = ws.reduce((sum, w) => sum + w, 0)
      const found = homes(list)
      for (const [i, c] of list.entries()) {
        const share = found.filter((id) => id === c.endpoint.id).length / keys.length
        assert.ok(Math.abs(share - (ws[i] as number) / total) < 0.045, `${ws}: ${c.endpoint.id} has ${share}`)
      }
    }),
    { numRuns: 15 },
  )
})

test('an endpoint that restarts in place keeps its keys', () => {
  const list = candidates(1, 1, 1)
  const again = candidate({ ...endpointOf(1), id: 'z' }, 0)
  const expected = homes(list).map((id) => (id === 'b' ? 'z' : id))
  assert.deepEqual(homes([list[0] as Candidate, again, list[2] as Candidate]), expected)
})

test('a key whose home is to be avoided has a second one, always the same', () => {
  const list = candidates(1, 1, 1, 1)
  const balancer = byKey()
  const home = balancer(list, choosing(1, { key: 'k' })) as Candidate
  const avoid = new Set([home.endpoint.id])
  const second = balancer(list, choosing(2, { key: 'k', avoid }))
  assert.notEqual(second, home)
  assert.equal(balancer(list, choosing(3, { key: 'k', avoid })), second)
})

test('two endpoints whose addresses have the same hash still give a key one home', () => {
  const [a, b] = candidates(1, 1) as [Candidate, Candidate]
  const twin = { ...b, hash: a.hash }
  assert.deepEqual(homes([a, twin], ['k']), homes([twin, a], ['k']))
})

test('without a key anybody is chosen', () => {
  const counts = tally(byKey(), candidates(1, 1), 1000, choosing(1))
  assert.ok((counts.a as number) > 400 && (counts.b as number) > 400)
})
