import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defaultCallRetry } from '../resilience/retry.ts'
import type { Problem } from '../routing/fields.ts'
import { defaultSettings } from '../routing/settings.ts'
import { type Policy, readPolicy, servicePolicy } from './policy.ts'

function problemsOf(given: object): string[] {
  const problems: Problem[] = []
  readPolicy({ host: 'orders', ...given }, '', problems)
  return problems.map(({ path, message }) => `${path} ${message}`)
}

const settings = (policy: Omit<Policy, 'host'>) => servicePolicy({ host: 'orders', ...policy }).settings

test('without a policy, and with one that says nothing, everything is at its default', () => {
  const usual = { settings: defaultSettings, retry: defaultCallRetry }
  assert.deepEqual(servicePolicy(undefined), usual)
  assert.deepEqual(servicePolicy({ host: '*' }), usual)
})

test('what a policy says takes the place of the default, and leaves the rest', () => {
  assert.deepEqual(settings({ balancing: 'weighted' }).balancing, { kind: 'weighted' })
  assert.deepEqual(settings({ balancing: { header: 'X-User' } }).balancing, {
    kind: 'by_key',
    from: 'header',
    name: 'x-user',
  })
  assert.deepEqual(settings({ balancing: { query: 'u' } }).balancing, { kind: 'by_key', from: 'query', name: 'u' })
  assert.deepEqual(settings({ balancing: 'by_key' }).balancing, { kind: 'by_key', from: 'call' })
  assert.deepEqual(settings({ circuit: { least: 3 } }).circuit, { ...defaultSettings.circuit, least: 3 })
  assert.deepEqual(settings({ bulkhead: { waiting: 0 } }).bulkhead, { running: 1024, waiting: 0 })
  assert.deepEqual(settings({ retryBudget: { share: 0.1 } }).retryBudget, {
    kind: 'rate',
    share: 0.1,
    floorPerSecond: 10,
  })
  assert.equal(settings({ hedging: true }).hedging?.quantile, 0.95)
  assert.deepEqual(settings({ hedging: { requests: 3 } }).hedging, { quantile: 0.95, leastMs: 5, requests: 3 })
  const { retry } = servicePolicy({ host: 'orders', retry: { retries: 1, on: ['reset', 503, '429'] } })
  assert.deepEqual(retry, { ...defaultCallRetry, retries: 1, on: new Set(['reset', 503, 429]) })
})

test('what is on by default can be turned off', () => {
  assert.equal(settings({ circuit: false }).circuit.least, Number.POSITIVE_INFINITY)
  const { outliers } = settings({ outliers: false })
  assert.deepEqual([outliers.consecutive5xx, outliers.consecutiveGatewayErrors, outliers.failureShare], [0, 0, 0])
  assert.equal(settings({ slowStart: false }).slowStart.windowMs, 0)
  assert.equal(settings({ hedging: false }).hedging, undefined)
  assert.equal(servicePolicy({ host: 'orders', retry: false }).retry.retries, 0)
})

describe('a policy is refused, naming the field', () => {
  const wrong: [given: object, problem: string][] = [
    [{ host: '' }, "host is required; '*' is every service"],
    [{ host: 'a_b' }, "host 'a_b' is not a host name"],
    [{ balancing: 'least_requests' }, "balancing unknown value 'least_requests'; did you mean 'least_request'?"],
    [{ balancing: {} }, 'balancing needs one of header and query'],
    [{ balancing: { header: 'a', query: 'b' } }, 'balancing needs one of header and query'],
    [{ retry: { retries: 11 } }, 'retry.retries 11 is not within 0–10'],
    [{ retry: { on: ['rest'] } }, "retry.on[0] unknown condition 'rest'; did you mean 'reset'?"],
    [{ retry: { on: [99] } }, 'retry.on[0] 99 is not within 100–599'],
    [{ retry: true }, 'retry must be an object, or false to turn it off; it is on by default'],
    [{ circuit: { share: 2 } }, 'circuit.share 2 is not within 0–1'],
    [{ outliers: { ejectionMs: '0s' } }, 'outliers.ejectionMs must be at least 1ms'],
    [{ bulkhead: { running: 0 } }, 'bulkhead.running 0 is not within 1–1000000000'],
    [{ hedging: { requests: 5 } }, 'hedging.requests 5 is not within 2–4'],
    [{ hedgeing: true }, "hedgeing unknown field 'hedgeing'; did you mean 'hedging'?"],
  ]
  for (const [given, problem] of wrong)
    test(JSON.stringify(given), () => assert.deepEqual(problemsOf(given), [problem]))

  test('and none that is right is', () => {
    const all = {
      balancing: { header: 'x-user' },
      slowStart: { windowMs: '0s', least: 0.5, aggression: 2 },
      retry: { retries: 0, on: ['5xx', '503', 429], perTryMs: '1.5s', firstMs: 10, mostMs: 100, avoidTried: false },
      retryBudget: { share: 0.1, floorPerSecond: 0 },
      circuit: { windowMs: 1000, least: 1, share: 1, firstMs: 1, mostMs: '1m' },
      outliers: { consecutive5xx: 5, mostEjected: 1 },
      panicShare: 0,
      bulkhead: { running: 1, waiting: 0 },
      hedging: { quantile: 0.99, leastMs: 1, requests: 4 },
    }
    assert.deepEqual(problemsOf(all), [])
  })
})
