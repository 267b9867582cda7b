import type { Random } from '../../ids.ts'
import type { Outcome } from '../request.ts'

/** After what a call is tried again, by the names that Envoy and Istio use; a number is a status of HTTP. */
export type RetryCondition =
  | '5xx'
  | 'gateway-error'
  | 'reset'
  | 'reset-before-request'
  | 'connect-failure'
  | 'refused-stream'
  | 'retriable-4xx'
  | 'envoy-ratelimited'
  | 'cancelled'
  | 'deadline-exceeded'
  | 'internal'
  | 'resource-exhausted'
  | 'unavailable'
  | number

export interface CallRetryPolicy {
  /** Tries after the first one, 0–10. @default 2 */
  readonly retries: number
  readonly on: ReadonlySet<RetryCondition>
  /** Longest time for one try, in milliseconds; none: only the deadline of the call ends it. */
  readonly perTryMs?: number
  /** Upper bound of the first wait, in milliseconds; it doubles with each further one. @default 25 */
  readonly firstMs: number
  /** Upper bound of every wait, in milliseconds. @default 250 */
  readonly mostMs: number
  /** Others first. Not where a key decides who is asked. @default true */
  readonly avoidTried: boolean
}

export const defaultCallRetry: CallRetryPolicy = {
  retries: 2,
  on: new Set(['connect-failure', 'refused-stream', 'reset', 'gateway-error', 'unavailable', 429]),
  firstMs: 25,
  mostMs: 250,
  avoidTried: true,
}

/** What a decision needs to know of the call. */
export interface Tried {
  readonly outcome: Outcome
  /** Tries so far, this one included. */
  readonly tries: number
  /** Doing it twice is as good as doing it once. */
  readonly idempotent: boolean
  /** Nobody above retries this call: if every hop did, three tries at each of three hops would be 27. */
  readonly outermost: boolean
  /** Left until the deadline of the call, in milliseconds. */
  readonly leftMs: number
}

export type RetryDecision =
  | { readonly kind: 'retry'; readonly waitMs: number }
  | { readonly kind: 'stop'; readonly why: 'settled' | 'inner' | 'not_idempotent' | 'tries' | 'deadline' | 'budget' }

/**
 * Whether a call is tried again, and after which wait. `withdraw` takes one retry out of the budget, and is asked last: what is not
 * going to happen costs nothing.
 *
 * What never reached a handler (`connect`, `refused`, and answers that say so) is tried again whether the call is idempotent or not: it
 * is the first time.
 */
export function decideCallRetry(
  tried: Tried,
  policy: CallRetryPolicy,
  random: Random,
  withdraw: () => boolean,
): RetryDecision {
  const { outcome } = tried
  if (!matches(outcome, policy.on)) return stop('settled')
  if (!tried.outermost) return stop('inner')
  if (!tried.idempotent && !neverBegan(outcome)) return stop('not_idempotent')
  if (tried.tries > policy.retries) return stop('tries')
  const waitMs = retryWait(tried.tries, policy, random) + (askedToWait(outcome) ?? 0)
  if (waitMs >= tried.leftMs) return stop('deadline')
  return withdraw() ? { kind: 'retry', waitMs } : stop('budget')
}

const stop = (why: Extract<RetryDecision, { kind: 'stop' }>['why']): RetryDecision => ({ kind: 'stop', why })

function neverBegan(outcome: Outcome): boolean {
  if (outcome.kind === 'answered') return outcome.unbegun !== undefined
  return outcome.kind === 'lost' && (outcome.how === 'connect' || outcome.how === 'refused')
}

/** Who leaves, or is not there yet, asks to be left alone; nobody else has to wait for that. */
function askedToWait(outcome: Outcome): number | undefined {
  if (outcome.kind !== 'answered' || outcome.unbegun === 'leaving' || outcome.unbegun === 'starting') return undefined
  return outcome.retryAfterMs
}

/** Anything from nothing to a bound that doubles: the retries of many clients spread over all of it (full jitter). */
export function retryWait(tries: number, policy: CallRetryPolicy, random: Random): number {
  return random() * Math.min(policy.mostMs, policy.firstMs * 2 ** Math.min(tries - 1, 30))
}

const grpcNames: ReadonlyMap<number, RetryCondition> = new Map([
  [1, 'cancelled'],
  [4, 'deadline-exceeded'],
  [8, 'resource-exhausted'],
  [13, 'internal'],
  [14, 'unavailable'],
])

const lostNames: Readonly<Record<string, readonly RetryCondition[]>> = {
  connect: ['connect-failure', 'reset', 'reset-before-request', 'gateway-error', '5xx'],
  refused: ['refused-stream', 'reset', 'reset-before-request', 'gateway-error', '5xx'],
  reset: ['reset', 'gateway-error', '5xx'],
  timeout: ['reset', 'gateway-error', '5xx'],
}

function matches(outcome: Outcome, on: ReadonlySet<RetryCondition>): boolean {
  if (outcome.kind === 'cancelled') return false
  if (outcome.kind === 'lost') return (lostNames[outcome.how] ?? []).some((name) => on.has(name))
  const { status, grpcStatus } = outcome
  if (on.has(status)) return true
  if (outcome.unbegun !== undefined && on.has('refused-stream')) return true
  if (status >= 500 && on.has('5xx')) return true
  if (status >= 502 && status <= 504 && on.has('gateway-error')) return true
  if (status === 409 && on.has('retriable-4xx')) return true
  if (status === 429 && on.has('envoy-ratelimited')) return true
  const name = grpcStatus === undefined ? undefined : grpcNames.get(grpcStatus)
  return name !== undefined && on.has(name)
}
