/** A second request to another endpoint when the first has taken longer than most do; the first answer counts. */
export interface HedgePolicy {
  /** Which share of calls is answered before a second request is sent, 0–1. @default 0.95 */
  readonly quantile: number
  /** Shortest time before a second request, in milliseconds. @default 5 */
  readonly leastMs: number
  /** Requests in all, the first included, 2–4. @default 2 */
  readonly requests: number
}

export const defaultHedge: HedgePolicy = { quantile: 0.95, leastMs: 5, requests: 2 }

/** Samples without which nobody knows what is slow. */
const leastSamples = 50

export interface Pending {
  /** Requests sent for this call so far. */
  readonly sent: number
  readonly idempotent: boolean
  readonly outermost: boolean
  /** Left until the deadline, in milliseconds. */
  readonly leftMs: number
  /** Latency at the policy's quantile, in milliseconds, and the number of samples behind it. */
  readonly quantileMs: number | undefined
  readonly samples: number
}

/**
 * How long to wait for an answer before another request is sent, in milliseconds; nothing if none is to be sent. When the time has
 * come the request costs one retry of the budget, like any other beyond the first.
 */
export function hedgeAfter(pending: Pending, policy: HedgePolicy): number | undefined {
  if (!pending.idempotent || !pending.outermost || pending.sent >= policy.requests) return undefined
  if (pending.quantileMs === undefined || pending.samples < leastSamples) return undefined
  const afterMs = Math.max(policy.leastMs, pending.quantileMs)
  // An answer that cannot come in time any more helps nobody.
  return afterMs + pending.quantileMs < pending.leftMs ? afterMs : undefined
}
