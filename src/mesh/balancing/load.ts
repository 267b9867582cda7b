/** How much of what was measured ten seconds ago still counts: 1/e. */
export const decayMs = 10_000
/** Each answer weighs at least this much in the share of failures, so that twenty in a row are a judgement at any rate. */
const leastWeight = 0.05
/** An endpoint that only fails is still not infinitely bad: where all are, there is a choice to make. */
const mostPenalty = 10_000
/** An endpoint that asked to be left alone loses against whoever did not. */
const resting = 1e6

/** A request that has started, to be handed back when it is over. */
export interface Begun {
  /** When. */
  readonly at: number
}

/**
 * What a client knows of the load of one endpoint: requests in flight, and a peak-sensitive average of latency, which jumps to a
 * slow answer at once and forgets it over ten seconds (Finagle's peak EWMA). An endpoint that fails fast would look quick, and
 * draw traffic: failures never lower its latency, and their share is a penalty.
 *
 * All times are monotonic, in milliseconds.
 */
export class Load {
  /** In the order in which they started. */
  readonly #running = new Set<Begun>()
  #latencyMs = 0
  #failures = 0
  #proven = false
  #at = Number.POSITIVE_INFINITY
  #restUntil = Number.NEGATIVE_INFINITY

  get inflight(): number {
    return this.#running.size
  }

  started(now: number): Begun {
    const begun = { at: now }
    this.#running.add(begun)
    return begun
  }

  /** A request that `started` is over. `restMs` is how long the endpoint asked to be left alone. */
  ended(begun: Begun, verdict: 'good' | 'bad' | 'none', tookMs: number, now: number, restMs = 0): void {
    this.#running.delete(begun)
    const kept = this.freshness(now)
    const latencyMs = this.#latencyMs * kept
    if (verdict === 'good') {
      this.#latencyMs = tookMs > latencyMs ? tookMs : latencyMs + tookMs * (1 - kept)
      this.#proven = true
    } else if (verdict === 'bad') this.#latencyMs = Math.max(this.#latencyMs, tookMs)
    else this.#latencyMs = Math.max(latencyMs, tookMs)
    if (verdict === 'none') this.#failures *= kept
    else {
      const weight = Math.max(1 - kept, leastWeight)
      this.#failures = this.#failures * (1 - weight) + (verdict === 'bad' ? weight : 0)
    }
    this.#at = now
    if (restMs > 0) this.#restUntil = Math.max(this.#restUntil, now + restMs)
  }

  /** True once it gave a good answer: until then its latency is a lower bound at best. */
  get proven(): boolean {
    return this.#proven
  }

  /** Average latency as of `now`, in milliseconds; 0 while nothing is known, or was forgotten. */
  latencyMs(now: number): number {
    return this.#latencyMs * this.freshness(now)
  }

  /**
   * How long the oldest request in flight has waited, in milliseconds; 0 with none. Its answer will count for at least that much: an
   * instance that stalls is known by the first request that waits there, long before it has its answer.
   */
  waitingMs(now: number): number {
    for (const { at } of this.#running) return Math.max(0, now - at)
    return 0
  }

  /** Share of the recent requests that failed, 0–1; without new ones it fades. */
  failures(now: number): number {
    return this.#failures * this.freshness(now)
  }

  /** How much worse failures make this endpoint: 1 without any, 16 where half of the requests fail. */
  penalty(now: number): number {
    const good = 1 - this.failures(now)
    return (now < this.#restUntil ? resting : 1) * Math.min(mostPenalty, 1 / good ** 4)
  }

  /** How much of what is known still counts, 0–1: all of it right after an answer, and while there has been none. */
  freshness(now: number): number {
    return Math.exp(-Math.max(0, now - this.#at) / decayMs)
  }
}
