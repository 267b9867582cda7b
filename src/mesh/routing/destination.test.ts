import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Endpoint } from '../endpoint.ts'
import { type DestinationRules, endpointsOf, policyFor } from './destination.ts'
import { accepted, readDestinationRules } from './read.ts'
import { defaultSettings, settingsOf } from './settings.ts'

function problemsOf(given: object): string[] {
  return readDestinationRules({ host: 'orders', ...given }).problems.map(({ path, message }) => `${path}: ${message}`)
}

const read = (given: object): DestinationRules =>
  accepted(readDestinationRules({ host: 'orders', ...given }), 'destination')
const policy = (trafficPolicy: object) => settingsOf(policyFor(read({ trafficPolicy })))

describe('subsets', () => {
  const endpoint = (id: string, labels: Record<string, string>): Endpoint => ({ id, address: id, labels, weight: 1 })
  const all = [endpoint('a', { version: 'v1' }), endpoint('b', { version: 'v2' }), endpoint('c', { version: 'v2' })]
  const rules = read({ subsets: [{ name: 'v2', labels: { version: 'v2' } }, { name: 'any' }] })
  const ids = (subset?: string) => endpointsOf(rules, subset, all)?.map((e) => e.id)

  test('a subset has the endpoints with its labels; without labels all of them', () => {
    assert.deepEqual(ids('v2'), ['b', 'c'])
    assert.deepEqual(ids('any'), ['a', 'b', 'c'])
    assert.deepEqual(ids(), ['a', 'b', 'c'])
  })

  test('a subset that nobody defines has none to go to', () => {
    assert.equal(ids('v3'), undefined)
    assert.equal(endpointsOf(undefined, 'v2', all), undefined)
  })
})

describe('what holds for a subset and a port', () => {
  const rules = read({
    trafficPolicy: {
      loadBalancer: { simple: 'RANDOM' },
      outlierDetection: { consecutive5xxErrors: 7 },
      retryBudget: { minRetryConcurrency: 9 },
      portLevelSettings: [{ port: { number: 8080 }, connectionPool: { tcp: { connectTimeout: '1s' } } }],
    },
    subsets: [
      { name: 'own', trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } } },
      {
        name: 'ports',
        trafficPolicy: { portLevelSettings: [{ port: { number: 90 }, loadBalancer: { simple: 'LEAST_REQUEST' } }] },
      },
      { name: 'none' },
    ],
  })

  test('a subset’s setting takes the place of the service’s, others stay', () => {
    const { loadBalancer, outlierDetection } = policyFor(rules, 'own')
    assert.deepEqual([loadBalancer?.simple, outlierDetection?.consecutive5xxErrors], ['ROUND_ROBIN', 7])
    assert.equal(policyFor(rules, 'none').loadBalancer?.simple, 'RANDOM')
    assert.equal(policyFor(rules).loadBalancer?.simple, 'RANDOM')
  })

  test('settings for a port take the place of all four, but not of the retry budget', () => {
    assert.deepEqual(policyFor(rules, undefined, 8080), {
      connectionPool: { tcp: { connectTimeout: 1000 } },
      retryBudget: { minRetryConcurrency: 9 },
    })
    assert.equal(policyFor(rules, undefined, 8081).loadBalancer?.simple, 'RANDOM')
    assert.deepEqual(policyFor(rules, 'ports', 90), {
      loadBalancer: { simple: 'LEAST_REQUEST' },
      retryBudget: { minRetryConcurrency: 9 },
    })
    assert.equal(policyFor(rules, 'ports', 91).outlierDetection?.consecutive5xxErrors, 7)
  })

  test('a policy without a port is not one for ports', () => {
    assert.equal(
      policyFor({ host: 'a', trafficPolicy: { portLevelSettings: [{ loadBalancer: {} }] } }).loadBalancer,
      undefined,
    )
  })
})

describe('settings', () => {
  test('without rules they are ours', () => assert.deepEqual(settingsOf({}), defaultSettings))

  test('balancers by their names; round robin goes by weights', () => {
    const kind = (simple: string): unknown => policy({ loadBalancer: { simple } }).balancing.kind
    assert.deepEqual(['ROUND_ROBIN', 'RANDOM', 'LEAST_REQUEST', 'LEAST_CONN', 'UNSPECIFIED'].map(kind), [
      'weighted',
      'random',
      'least_request',
      'least_request',
      'least_request',
    ])
  })

  test('keys come from a header or a parameter', () => {
    const key = (consistentHash: object): unknown => policy({ loadBalancer: { consistentHash } }).balancing
    assert.deepEqual(key({ httpHeaderName: 'X-User' }), { kind: 'by_key', from: 'header', name: 'x-user' })
    assert.deepEqual(key({ httpQueryParameterName: 'User' }), { kind: 'by_key', from: 'query', name: 'User' })
  })

  test('slow start is off in a balancer that does not ask for it', () => {
    assert.equal(policy({ loadBalancer: { simple: 'RANDOM' } }).slowStart.windowMs, 0)
    const warmup = { duration: '1m', minimumPercent: 20, aggression: 2 }
    const expected = { windowMs: 60_000, least: 0.2, aggression: 2 }
    assert.deepEqual(policy({ loadBalancer: { warmup } }).slowStart, expected)
    assert.equal(policy({ loadBalancer: { warmupDurationSecs: '9s' } }).slowStart.windowMs, 9000)
  })

  test('ejection has Istio’s defaults as soon as it is asked for: five 5xx, a tenth, no panic', () => {
    const { outliers, panicShare } = policy({ outlierDetection: { interval: '5s' } })
    const { consecutive5xx, consecutiveGatewayErrors, failureShare, intervalMs, ejectionMs, mostEjected } = outliers
    assert.deepEqual(
      [consecutive5xx, consecutiveGatewayErrors, failureShare, intervalMs, ejectionMs, mostEjected, panicShare],
      [5, 0, 0, 5000, 30_000, 0.1, 0],
    )
    const other = policy({
      outlierDetection: { baseEjectionTime: '15m', maxEjectionPercent: 80, minHealthPercent: 40 },
    })
    assert.deepEqual(
      [other.outliers.ejectionMs, other.outliers.mostEjectionMs, other.outliers.mostEjected, other.panicShare],
      [900_000, 900_000, 0.8, 0.4],
    )
    assert.equal(policy({ outlierDetection: { consecutive5xxErrors: 0 } }).outliers.consecutive5xx, 0)
  })

  test('pools are unlimited but for what is said', () => {
    const { bulkhead, connectMs, mostRetries, pool } = policy({
      connectionPool: { http: { http2MaxRequests: 7, maxRetries: 2, idleTimeout: '5s' } },
    })
    assert.deepEqual(bulkhead, { running: 7, waiting: Number.POSITIVE_INFINITY })
    assert.deepEqual([connectMs, mostRetries, pool.http?.idleTimeout], [10_000, 2, 5000])
  })

  test('a retry budget is a share of what is under way', () => {
    assert.deepEqual(policy({ retryBudget: {} }).retryBudget, { kind: 'concurrent', share: 0.2, least: 3 })
    const asked = policy({ retryBudget: { percent: 50, minRetryConcurrency: 1 } }).retryBudget
    assert.deepEqual(asked, { kind: 'concurrent', share: 0.5, least: 1 })
  })
})

const wrong: [sentence: string, given: object, problem: RegExp][] = [
  ['no host', { host: '' }, /^host: is required/],
  ['a host', { host: 'a b' }, /^host: 'a b' is not a host name/],
  ['an empty policy', { trafficPolicy: {} }, /^trafficPolicy: must have at least one field/],
  ['a misspelt field', { trafficPolicy: { loadBalancr: {} } }, /did you mean 'loadBalancer'/],
  ['a misspelt balancer', { trafficPolicy: { loadBalancer: { simple: 'RONDOM' } } }, /did you mean 'RANDOM'/],
  ['passing through', { trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } } }, /simple: is not supported/],
  ['TLS', { trafficPolicy: { tls: { mode: 'MUTUAL' } } }, /^trafficPolicy.tls: is not supported/],
  ['two subsets of a name', { subsets: [{ name: 'a' }, { name: 'a' }] }, /^subsets\[1\].name: there is another/],
  ['a subset without a name', { subsets: [{}] }, /^subsets\[0\].name: '' is not a name/],
  ['labels', { subsets: [{ name: 'a', labels: { b: '-' } }] }, /^subsets\[0\].labels.b: '-' is not a value/],
  ['a subset’s policy', { subsets: [{ name: 'a', trafficPolicy: {} }] }, /^subsets\[0\].trafficPolicy: must have/],
  ['an empty pool', { trafficPolicy: { connectionPool: {} } }, /^trafficPolicy.connectionPool: must have/],
  [
    'a negative limit',
    { trafficPolicy: { connectionPool: { http: { maxRetries: -1 } } } },
    /connectionPool.http.maxRetries: -1 is less than 0/,
  ],
  [
    'a share of ejections',
    { trafficPolicy: { outlierDetection: { maxEjectionPercent: 101 } } },
    /outlierDetection.maxEjectionPercent: 101 is not within 0–100/,
  ],
  ['a share of retries', { trafficPolicy: { retryBudget: { percent: 101 } } }, /101 is not within 0–100/],
  [
    'port settings without a port',
    { trafficPolicy: { portLevelSettings: [{ loadBalancer: {} }] } },
    /port: is required/,
  ],
  [
    'port settings without a setting',
    { trafficPolicy: { portLevelSettings: [{ port: { number: 1 } }] } },
    /portLevelSettings\[0\]: must have at least one field beside its port/,
  ],
  ['no key', { trafficPolicy: { loadBalancer: { consistentHash: {} } } }, /needs one of httpHeaderName/],
  [
    'two balancers',
    { trafficPolicy: { loadBalancer: { simple: 'RANDOM', consistentHash: { httpHeaderName: 'a' } } } },
    /cannot stand beside simple/,
  ],
  [
    'a table that is no prime',
    { trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: 'a', maglev: { tableSize: 65536 } } } } },
    /maglev.tableSize: must be a prime less than 5000011/,
  ],
  ['a warm-up without end', { trafficPolicy: { loadBalancer: { warmup: {} } } }, /warmup.duration: is required/],
  [
    'a warm-up without aggression',
    { trafficPolicy: { loadBalancer: { warmup: { duration: '1s', aggression: 0 } } } },
    /aggression: must be greater than 0/,
  ],
]

describe('a destination is refused for', () => {
  for (const [sentence, given, problem] of wrong)
    test(sentence, () => {
      const found = problemsOf(given)
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', problem)
    })
})

test('the table sizes of Maglev that Envoy takes are taken', () => {
  for (const tableSize of [2, 3, 65_537, 4_999_999]) {
    const consistentHash = { httpHeaderName: 'a', maglev: { tableSize } }
    assert.deepEqual(problemsOf({ trafficPolicy: { loadBalancer: { consistentHash } } }), [])
  }
})
