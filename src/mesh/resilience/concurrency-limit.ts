import type { Random } from '../../ids.ts'

/** `low` is shed first: what can be asked for again, such as a call made while an event is prepared. */
export type Priority = 'normal' | 'low'

export interface ConcurrencyPolicy {
  /** Requests at a time to begin with. @default 50 */
  readonly first: number
  /** Bounds of the limit. @default 10 and 1000 */
  readonly least: number
  readonly most: number
  /** Share of the limit that `low` may use, 0–1. @default 0.8 */
  readonly lowShare: number
  /** How late the event loop may be before the limit falls whatever the latencies say, in milliseconds. @default 50 */
  readonly loopDelayMs: number
  /** By how much the recent latency may exceed the usual one without consequence, at least 1. @default 1.5 */
  readonly tolerance: number
  /**
   * Mean latency that is not too slow whatever is usual, in milliseconds: where calls that are quick by nature are followed by others,
   * nothing queues. @default 100
   */
  readonly calmMs: number
}

export const defaultConcurrency: ConcurrencyPolicy = {
  first: 50,
  least: 10,
  most: 1000,
  lowShare: 0.8,
  loopDelayMs: 50,
  tolerance: 1.5,
  calmMs: 100,
}

/** A window is judged when it is this old and holds this many samples. */
const windowMs = 250
const windowSamples = 10
/** How much of the new estimate is taken over at once. */
const smoothing = 0.2
/** What is usual is an average over about this many windows; the first few weigh evenly. */
const usualWindows = 600
const warmUpWindows = 10
/** Room to grow with each window in which nothing is slow. */
const queue = 4

export type Admission =
  | { readonly kind: 'admit' }
  /** To be answered by 503 and `Retry-After`. */
  | { readonly kind: 'shed'; readonly retryAfterMs: number }

const admitted: Admission = { kind: 'admit' }

/**
 * How many requests a server works on at a time, found by itself: Netflix' Gradient2. When latency grows beyond what is usual
 * requests are queueing somewhere, and the limit falls; while it does not the limit grows, if it is made use of. Node has one more
 * place to queue, which latency inside handlers does not show: the event loop. Its delay is a second gradient.
 */
export class ConcurrencyLimit {
  readonly #policy: ConcurrencyPolicy
  #limit: number
  #inflight = 0
  #usualMs = 0
  #windows = 0
  #window = { since: Number.NEGATIVE_INFINITY, sumMs: 0, samples: 0, most: 0 }

  constructor(policy: ConcurrencyPolicy = defaultConcurrency) {
    this.#policy = policy
    this.#limit = policy.first
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  get inflight(): number {
    return this.#inflight
  }

  /** Lets a request in, or sheds it. Those that are shed come back spread over two seconds. */
  admit(priority: Priority, random: Random): Admission {
    const room = priority === 'low' ? Math.floor(this.#limit * this.#policy.lowShare) : this.limit
    if (this.#inflight >= Math.max(1, room)) return { kind: 'shed', retryAfterMs: Math.round(1000 + 1000 * random()) }
    this.#inflight++
    if (this.#inflight > this.#window.most) this.#window.most = this.#inflight
    return admitted
  }

  /**
   * A request that was admitted is over. `tookMs` counts unless its caller gave it up (`undefined`). `loopDelayMs` is how late the event
   * loop has been lately, in milliseconds. `now` is monotonic.
   */
  ended(tookMs: number | undefined, now: number, loopDelayMs: number): void {
    this.#inflight--
    const window = this.#window
    if (tookMs !== undefined) {
      window.sumMs += tookMs
      window.samples++
    }
    if (window.since === Number.NEGATIVE_INFINITY) window.since = now
    if (now - window.since < windowMs || window.samples < windowSamples) return
    this.#judge(window.sumMs / window.samples, window.most, loopDelayMs)
    this.#window = { since: now, sumMs: 0, samples: 0, most: this.#inflight }
  }

  #judge(recentMs: number, most: number, loopDelayMs: number): void {
    this.#learn(recentMs)
    const { tolerance, calmMs, least, most: highest } = this.#policy
    const byLatency = clamp(Math.max(calmMs, tolerance * this.#usualMs) / recentMs, 0.5, 1)
    const byLoop = clamp(this.#policy.loopDelayMs / loopDelayMs, 0.5, 1)
    // Whoever makes no use of its limit learns nothing about it; but a late loop is late at any limit.
    if (most < this.#limit / 2 && byLoop === 1) return
    const next = this.#limit * Math.min(byLatency, byLoop) + (byLoop < 1 ? 0 : queue)
    this.#limit = clamp(this.#limit * (1 - smoothing) + next * smoothing, least, highest)
  }

  #learn(recentMs: number): void {
    this.#windows++
    const weight = this.#windows <= warmUpWindows ? 1 / this.#windows : 2 / (usualWindows + 1)
    this.#usualMs += (recentMs - this.#usualMs) * weight
    // After a long time of overload what is usual would take minutes to become small again.
    if (this.#usualMs > 2 * recentMs) this.#usualMs *= 0.9
  }
}

function clamp(value: number, least: number, most: number): number {
  // 0/0 and n/0: nothing was measured, so that nothing is too slow.
  return Number.isNaN(value) ? most : Math.max(least, Math.min(most, value))
}
