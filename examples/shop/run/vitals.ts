import type { Watcher } from 'skerry'

/** How a process is doing; sent from process to process as it is. */
export interface Vitals {
  readonly maxRssKb: number
  /** How often each latency was seen, by the number of its bucket. */
  readonly latencies: ReadonlyMap<number, number>
  readonly maxLatencyMs: number
}

/** Each bucket is 2 % wider than the one before: two hundred of them tell a millisecond from a minute. */
const growth = 1.02

/** Counts latencies in constant memory. */
export class Latencies {
  readonly #buckets = new Map<number, number>()
  #max = 0

  /** Of the events that reach the ledger: from the publishing of the row until what came of it is booked. */
  readonly watcher: Watcher = (fact) => {
    if (fact.kind === 'handled' && fact.subscription.startsWith('ledger/')) this.add(fact.latencyMs)
  }

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(1, ms)) / Math.log(growth))
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1)
    this.#max = Math.max(this.#max, ms)
  }

  vitals(): Vitals {
    return {
      maxRssKb: process.resourceUsage().maxRSS,
      latencies: new Map(this.#buckets),
      maxLatencyMs: this.#max,
    }
  }
}

/** Of all processes that ever ran, in milliseconds; 0 when none handled anything. */
export function latencySummary(all: readonly Vitals[]): { p50: number; p99: number; max: number } {
  const buckets = new Map<number, number>()
  for (const { latencies } of all)
    for (const [bucket, count] of latencies) buckets.set(bucket, (buckets.get(bucket) ?? 0) + count)
  const max = Math.max(0, ...all.map((vitals) => vitals.maxLatencyMs))
  return {
    p50: Math.min(max, quantile(buckets, 0.5)),
    p99: Math.min(max, quantile(buckets, 0.99)),
    max: Math.round(max),
  }
}

function quantile(buckets: ReadonlyMap<number, number>, share: number): number {
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  let left = sorted.reduce((sum, [, count]) => sum + count, 0) * share
  for (const [bucket, count] of sorted) {
    left -= count
    if (left <= 0) return Math.round(growth ** bucket)
  }
  return 0
}

/** The largest of any one process, in MiB. */
export function maxRssMb(all: readonly Vitals[]): number {
  return Math.round(Math.max(0, ...all.map((vitals) => vitals.maxRssKb)) / 1024)
}
