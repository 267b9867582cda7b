import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultCallRetry } from '../resilience/retry.ts'
import { istioRetry, retryPolicy } from './retries.ts'

test('no attempts are none', () => assert.equal(retryPolicy({ attempts: 0 }, defaultCallRetry).retries, 0))

test('what a route leaves out is as usual', () => {
  const policy = retryPolicy({ attempts: 3 }, istioRetry)
  assert.deepEqual(policy, { ...istioRetry, retries: 3 })
})

test('conditions and statuses stand side by side; those that cannot happen are left out', () => {
  const { on } = retryPolicy({ attempts: 1, retryOn: '5xx, retriable-headers,503,418' }, defaultCallRetry)
  assert.deepEqual([...on], ['5xx', 503, 418])
})

test('a wait of its own has ten times that as its bound, as in Envoy', () => {
  const { firstMs, mostMs } = retryPolicy({ attempts: 1, backoff: 40 }, defaultCallRetry)
  assert.deepEqual([firstMs, mostMs], [40, 400])
})

test('whom to ask again can be said', () => {
  assert.equal(retryPolicy({ attempts: 1, retryIgnorePreviousHosts: false }, defaultCallRetry).avoidTried, false)
})
