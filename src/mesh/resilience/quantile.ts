/** Buckets grow by this factor: a quantile is right to within 5 %. */
const growth = 1.1
const buckets = 200
const leastMs = 0.01
/** After this many samples all counts are halved, so that the past fades. */
const halveAt = 2000

/** Quantiles of latency over the recent past, from a histogram of logarithmic buckets (10 µs to half an hour). */
export class Quantiles {
  readonly #counts = new Float64Array(buckets)
  #total = 0

  add(tookMs: number): void {
    const bucket = Math.floor(Math.log(Math.max(tookMs, leastMs) / leastMs) / Math.log(growth))
    const at = Math.min(buckets - 1, bucket)
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#total++
    if (this.#total < halveAt) return
    for (let i = 0; i < buckets; i++) this.#counts[i] = (this.#counts[i] as number) / 2
    this.#total /= 2
  }

  /** How many samples count. */
  get samples(): number {
    return this.#total
  }

  /** The latency that a share `q` (0–1) of the samples does not exceed, in milliseconds; nothing without samples. */
  at(q: number): number | undefined {
    if (this.#total === 0) return undefined
    let left = q * this.#total
    for (let i = 0; i < buckets; i++) {
      left -= this.#counts[i] as number
      // A hair above nothing is rounding: 7 % of 100 are 7.
      if (left <= 1e-9 && (this.#counts[i] as number) > 0) return leastMs * growth ** (i + 0.5)
    }
    return leastMs * growth ** buckets
  }
}
