import { codeOf, errorCodes, SkerryError } from '../errors.ts'
import type { Random } from '../ids.ts'

/** When to try again, and when to give up. */
export interface RetryPolicy {
  /** Tries in all before an event becomes a dead letter, 1–1000. @default 10 */
  readonly attempts: number
  /** Wait before the second try, in milliseconds. @default 200 */
  readonly firstMs: number
  /** Each wait is this much longer than the one before. @default 2 */
  readonly factor: number
  /** Longest wait, in milliseconds. @default 300 000 */
  readonly mostMs: number
  /** Share of each wait that is random, 0–1. @default 0.5 */
  readonly jitter: number
}

export const defaultRetry: RetryPolicy = { attempts: 10, firstMs: 200, factor: 2, mostMs: 300_000, jitter: 0.5 }

/** Uncharged reruns of `version_conflict` before they start to count as attempts. */
export const freeConflicts = 10

export type Decision =
  | { readonly kind: 'retry'; readonly waitMs: number; readonly charged: boolean }
  | { readonly kind: 'dead' }

/**
 * What follows from a failed try: a pure function of the error, of the attempts charged so far, of the free reruns so
 * far, and of one random number. `unavailable` and its like are never charged; `never` codes end at once.
 */
export function decideRetry(
  error: unknown,
  attempts: number,
  reruns: number,
  policy: RetryPolicy,
  random: Random,
): Decision {
  const retries = errorCodes[codeOf(error)]
  if (retries === 'never') return { kind: 'dead' }
  const free = retries === 'free' && !(codeOf(error) === 'version_conflict' && reruns >= freeConflicts)
  if (!free && attempts + 1 >= policy.attempts) return { kind: 'dead' }
  if (free && codeOf(error) === 'version_conflict') return { kind: 'retry', waitMs: 0, charged: false }
  const asked = error instanceof SkerryError ? error.retryAfterMs : undefined
  return { kind: 'retry', waitMs: asked ?? backoff(free ? reruns : attempts, policy, random), charged: !free }
}

/** Exponential with jitter: between (1 − jitter) and 1 times firstMs · factor^n, capped. */
export function backoff(n: number, policy: RetryPolicy, random: Random): number {
  const full = Math.min(policy.mostMs, policy.firstMs * policy.factor ** Math.min(n, 64))
  return Math.round(full * (1 - policy.jitter * random()))
}
