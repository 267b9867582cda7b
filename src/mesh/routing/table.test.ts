import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../ids.ts'
import { decide, goesTo, request, to } from './fixture.ts'
import { istioRetry } from './retries.ts'
import type { RouteDecision } from './table.ts'

type Forward = Extract<RouteDecision, { kind: 'forward' }>

function forward(http: readonly object[], path = '/', random?: () => number): Forward {
  const decision = decide(http, request(path), random)
  assert.equal(decision?.kind, 'forward')
  return decision as Forward
}

describe('precedence', () => {
  const wide = { match: [{ uri: { prefix: '/' } }], route: [to('wide')] }
  const narrow = { match: [{ uri: { exact: '/orders' } }], route: [to('narrow')] }

  test('the first route that matches decides, however much better a later one fits', () => {
    assert.equal(goesTo([wide, narrow], request('/orders')), 'wide')
    assert.equal(goesTo([narrow, wide], request('/orders')), 'narrow')
    assert.equal(goesTo([narrow, wide], request('/x')), 'wide')
  })

  test('a route has several matches, any of which is enough', () => {
    const either = { match: [{ uri: { exact: '/a' } }, { method: { exact: 'PUT' } }], route: [to('either')] }
    assert.equal(goesTo([either, wide], request('/a')), 'either')
    assert.equal(goesTo([either, wide], request('/b', { method: 'PUT' })), 'either')
    assert.equal(goesTo([either, wide], request('/b')), 'wide')
  })

  test('a route without matches takes everything that is left', () => {
    assert.equal(goesTo([narrow, { route: [to('rest')] }, wide], request('/x')), 'rest')
  })

  test('where no route matches there is no decision', () => assert.equal(goesTo([narrow], request('/x')), 'none'))

  test('matches for others leave the request to later routes', () => {
    const others = { match: [{ sourceLabels: { app: 'other' } }, { gateways: ['edge'] }], route: [to('others')] }
    const ours = { match: [{ sourceLabels: { app: 'shop' } }], route: [to('ours')] }
    assert.equal(goesTo([others, ours], request('/')), 'ours')
  })

  test('a route is known by its name, and that of the match', () => {
    assert.equal(forward([{ name: 'r', match: [{ name: 'm' }], route: [to('a')] }]).route, 'r.m')
    assert.equal(forward([{ name: 'r', match: [{}], route: [to('a')] }]).route, 'r')
    assert.equal(forward([{ route: [to('a')] }]).route, undefined)
  })
})

describe('weights', () => {
  test('shares follow weights, which need not sum to 100', () => {
    const weights = fc
      .array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 5 })
      .filter((ws) => ws.some((w) => w > 0))
    fc.assert(
      fc.property(weights, fc.string(), (ws, seed) => {
        const random = seededRandom(seed)
        const http = [{ route: ws.map((weight, i) => to(`h${i}`, { weight })) }]
        const counts = new Map<string, number>()
        for (let i = 0; i < 1000; i++) {
          const host = forward(http, '/', random).destination.host as string
          counts.set(host, (counts.get(host) ?? 0) + 1)
        }
        const total = ws.reduce((sum, w) => sum + w, 0)
        for (const [i, w] of ws.entries()) {
          const share = (counts.get(`h${i}`) ?? 0) / 1000
          assert.ok(w === 0 ? share === 0 : Math.abs(share - w / total) < 0.09, `${ws}: h${i} has ${share}`)
        }
      }),
      { numRuns: 10 },
    )
  })

  test('the weight of a single destination says nothing', () => {
    assert.equal(forward([{ route: [to('a', { weight: 0 })] }]).destination.host, 'a')
  })

  test('of several, those without a weight get nothing', () => {
    const http = [{ route: [to('a'), to('b', { weight: 1 })] }]
    for (const random of [0, 0.5, 0.999]) assert.equal(forward(http, '/', () => random).destination.host, 'b')
  })
})

test('a destination may name a subset and a port', () => {
  const destination = { host: 'orders', subset: 'v2', port: { number: 8080 } }
  assert.deepEqual(forward([{ route: [{ destination }] }]).destination, destination)
})

test('changes of headers: removals first, then set and add of the route, then of the destination', () => {
  const route = {
    headers: { request: { add: { B: '1' }, set: { A: '1' }, remove: ['C'] }, response: { set: { s: '1' } } },
    route: [to('a', { headers: { request: { set: { b: '2' }, remove: ['D'] }, response: { remove: ['t'] } } })],
  }
  const { request, response } = forward([route])
  assert.deepEqual(request, {
    remove: ['c', 'd'],
    write: [
      { kind: 'set', name: 'a', value: '1' },
      { kind: 'add', name: 'b', value: '1' },
      { kind: 'set', name: 'b', value: '2' },
    ],
  })
  assert.deepEqual(response, { remove: ['t'], write: [{ kind: 'set', name: 's', value: '1' }] })
})

test('the authority: a rewrite first, then the route’s headers, then the destination’s', () => {
  const own = to('a', { headers: { request: { set: { Host: 'destination' } } } })
  assert.equal(forward([{ route: [own] }]).authority, 'destination')
  assert.equal(forward([{ route: [own], headers: { request: { add: { ':authority': 'route' } } } }]).authority, 'route')
  assert.equal(forward([{ route: [own], rewrite: { authority: 'rewrite' } }]).authority, 'rewrite')
  assert.equal(forward([{ route: [to('a')] }]).authority, undefined)
  assert.deepEqual(forward([{ route: [own] }]).request.write, [])
})

test('timeouts and retries are the route’s, or else what is usual', () => {
  const said = forward([{ route: [to('a')], timeout: '2s', retries: { attempts: 5, perTryTimeout: '1s' } }])
  assert.deepEqual([said.timeoutMs, said.retry.retries, said.retry.perTryMs], [2000, 5, 1000])
  const unsaid = decide([{ route: [to('a')] }], request(), undefined, { retry: istioRetry }) as Forward
  assert.equal(unsaid.timeoutMs, undefined)
  assert.equal(unsaid.retry, istioRetry)
})

describe('faults', () => {
  const fault = {
    delay: { fixedDelay: '5s', percentage: { value: 50 } },
    abort: { httpStatus: 503, percentage: { value: 10 } },
  }
  const withFault = [{ route: [to('a')], fault, timeout: '1s', retries: { attempts: 3 } }]

  test('each is rolled for by itself', () => {
    const rolls = (...given: number[]) => forward(withFault, '/', () => given.shift() ?? 0).fault
    assert.deepEqual(rolls(0.49, 0.09), { delayMs: 5000, abort: { httpStatus: 503 } })
    assert.deepEqual(rolls(0.49, 0.1), { delayMs: 5000 })
    assert.deepEqual(rolls(0.5, 0.09), { abort: { httpStatus: 503 } })
    assert.equal(rolls(0.5, 0.1), undefined)
  })

  test('they turn timeouts and retries of their route off', () => {
    const { timeoutMs, retry } = forward(withFault)
    assert.deepEqual([timeoutMs, retry.retries], [Number.POSITIVE_INFINITY, 0])
  })
})

describe('mirrors', () => {
  const hosts = (http: object, random: number): (string | undefined)[] =>
    forward([{ route: [to('a')], ...http }], '/', () => random).mirrors.map((m) => m.host)

  test('one gets everything, unless a percentage says otherwise', () => {
    assert.deepEqual(hosts({ mirror: { host: 'm' } }, 0.999), ['m'])
    assert.deepEqual(hosts({ mirror: { host: 'm' }, mirrorPercentage: { value: 25 } }, 0.24), ['m'])
    assert.deepEqual(hosts({ mirror: { host: 'm' }, mirrorPercentage: { value: 25 } }, 0.25), [])
    assert.deepEqual(hosts({ mirror: { host: 'm' }, mirrorPercentage: { value: 0 } }, 0), [])
    assert.deepEqual(hosts({ mirror: { host: 'm' }, mirrorPercent: 25 }, 0.25), [])
  })

  test('several each have their own', () => {
    const mirrors = [to('m'), to('n', { percentage: { value: 10 } })]
    assert.deepEqual(hosts({ mirrors }, 0.05), ['m', 'n'])
    assert.deepEqual(hosts({ mirrors }, 0.5), ['m'])
  })
})

test('a redirect is 301 unless it says otherwise', () => {
  const redirect = { uri: '/new' }
  const decision = decide([{ redirect, route: undefined }], request('/old?a=1'))
  assert.deepEqual(decision, {
    kind: 'redirect',
    status: 301,
    location: 'http://orders/new?a=1',
    response: { remove: [], write: [] },
  })
  const other = decide([{ redirect: { ...redirect, redirectCode: 308 } }], request('/'))
  assert.equal(other?.kind === 'redirect' && other.status, 308)
})

test('a direct response answers by itself', () => {
  const directResponse = { status: 503, body: { string: 'closed' } }
  const headers = { response: { set: { a: 'b' } } }
  assert.deepEqual(decide([{ directResponse, headers }], request()), {
    kind: 'respond',
    status: 503,
    body: 'closed',
    response: { remove: [], write: [{ kind: 'set', name: 'a', value: 'b' }] },
  })
})
