import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byKey } from './by-key.ts'
import { type Balancer, candidate, choose } from './candidate.ts'
import { candidates, choosing, endpointOf } from './fixture.ts'
import { leastRequest } from './least-request.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'
import { weighted } from './weighted.ts'

const balancers: Record<string, () => Balancer> = {
  random: () => random,
  'round robin': roundRobin,
  weighted,
  'least request': leastRequest,
  'by key': byKey,
}

for (const [name, make] of Object.entries(balancers)) {
  test(`${name}: an endpoint of no weight, or to be avoided, is never chosen; somebody is whenever there is one`, () => {
    const one = fc.record({ weight: fc.integer({ min: 0, max: 3 }), avoided: fc.boolean(), inflight: fc.nat(3) })
    const keys = fc.option(fc.string(), { nil: undefined })
    fc.assert(
      fc.property(fc.array(fc.array(one, { maxLength: 6 }), { maxLength: 4 }), fc.nat(), keys, (lists, seed, key) => {
        const balancer = make()
        for (const given of lists) {
          const list = candidates(...given.map((g) => g.weight))
          for (const [i, g] of given.entries()) for (let n = 0; n < g.inflight; n++) list[i]?.load.started(0)
          const avoid = new Set(list.filter((_, i) => given[i]?.avoided).map((c) => c.endpoint.id))
          const able = list.filter((c) => c.endpoint.weight > 0 && !avoid.has(c.endpoint.id))
          for (let turn = 0; turn < 5; turn++) {
            const how = choosing(seed + turn, { avoid, ...(key === undefined ? {} : { key }) })
            const chosen = balancer(list, how)
            if (able.length === 0) assert.equal(chosen, undefined)
            else assert.ok(chosen && able.includes(chosen))
          }
        }
      }),
    )
  })

  test(`${name}: others are chosen first, then who was tried already, then nobody`, () => {
    const list = candidates(1, 1)
    const avoid = new Set(['a'])
    assert.equal(choose(make(), list, choosing(1, { avoid, key: 'k' }))?.endpoint.id, 'b')
    const all = new Set(['a', 'b'])
    assert.ok(choose(make(), list, choosing(1, { avoid: all, key: 'k' })))
    assert.equal(choose(make(), candidates(0), choosing(1, { avoid: all, key: 'k' })), undefined)
  })
}

test('an endpoint whose weight or labels changed keeps what is known of its load', () => {
  const before = candidate(endpointOf(0), 0)
  before.load.started(0)
  const after = candidate({ ...endpointOf(0), weight: 7 }, before.since, before)
  assert.equal(after.load.inflight, 1)
  assert.equal(after.hash, before.hash)
})
