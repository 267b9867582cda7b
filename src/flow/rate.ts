/** A token bucket: at most `events` in any `perMs`, spread evenly after a burst of that size. Pure; time is monotonic. */
export interface Bucket {
  readonly tokens: number
  readonly at: number
}

export interface RateLimit {
  readonly events: number
  readonly perMs: number
}

export function fullBucket(limit: RateLimit, now: number): Bucket {
  return { tokens: limit.events, at: now }
}

/** The bucket as it is now. */
export function refill(bucket: Bucket, limit: RateLimit, now: number): Bucket {
  const gained = ((now - bucket.at) * limit.events) / limit.perMs
  return { tokens: Math.min(limit.events, bucket.tokens + Math.max(0, gained)), at: now }
}

/** Takes one token, or says how long to wait for it, in milliseconds. */
export function take(bucket: Bucket, limit: RateLimit, now: number): { bucket: Bucket; waitMs: number } {
  const current = refill(bucket, limit, now)
  // A hair below one whole token is rounding, not a limit.
  if (current.tokens >= 1 - 1e-9) return { bucket: { tokens: current.tokens - 1, at: now }, waitMs: 0 }
  return { bucket: current, waitMs: ((1 - current.tokens) * limit.perMs) / limit.events }
}
