import { type CallRetryPolicy, defaultCallRetry, type RetryCondition } from '../resilience/retry.ts'
import type { Retries } from './rules.ts'

/** Conditions without effect here: no header to retry on can be named in a route, there is no HTTP/3, and statuses stand for themselves. */
const inert = ['retriable-headers', 'http3-post-connect-failure', 'retriable-status-codes']

const conditions: readonly Exclude<RetryCondition, number>[] = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'refused-stream',
  'retriable-4xx',
  'envoy-ratelimited',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]

/** All that `retryOn` may name, beside statuses. */
export const retryConditions: readonly string[] = [...conditions, ...inert]

/** What Istio does where a route says nothing. */
export const istioRetry: CallRetryPolicy = {
  ...defaultCallRetry,
  on: new Set(['connect-failure', 'refused-stream', 'unavailable', 'cancelled']),
}

/** The policy of a route: what it says, on top of what is usual. `attempts: 0` turns retries off. */
export function retryPolicy(retries: Retries, usual: CallRetryPolicy): CallRetryPolicy {
  const { attempts = 0, perTryTimeout, retryOn, backoff, retryIgnorePreviousHosts } = retries
  const firstMs = backoff ?? usual.firstMs
  return {
    retries: Math.max(0, attempts),
    on: retryOn ? parseConditions(retryOn.split(',').map((part) => part.trim())) : usual.on,
    firstMs,
    // Envoy's: ten times the base.
    mostMs: backoff === undefined ? usual.mostMs : firstMs * 10,
    avoidTried: retryIgnorePreviousHosts ?? usual.avoidTried,
    ...(perTryTimeout === undefined ? {} : { perTryMs: perTryTimeout }),
  }
}

/** Names and statuses; what is none of them says nothing. */
export function parseConditions(parts: readonly string[]): ReadonlySet<RetryCondition> {
  const statuses = parts.filter((part) => /^\d{3}$/.test(part)).map(Number)
  return new Set<RetryCondition>([...conditions.filter((condition) => parts.includes(condition)), ...statuses])
}
