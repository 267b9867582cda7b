import { percentiles } from './statistics.ts'
import type { Measured } from './types.ts'

/** One sixth of a run: at 6,000 events and 1,000 a second, the second in which everybody's code is compiled. */
const WARM_UP = 1 / 6

/**
 * Latency of a paced run once it is steady, in microseconds, of latencies in the order of their events. Not counted is
 * the beginning, of whichever contender; its p99 is a figure of its own.
 */
export function steadyLatency(latencies: readonly number[]): Required<Pick<Measured, 'p50Us' | 'p99Us' | 'figures'>> {
  const first = Math.floor(latencies.length * WARM_UP)
  const [p50Us = 0, p99Us = 0] = percentiles(latencies.slice(first), [50, 99])
  const [begun = 0] = first === 0 ? [] : percentiles(latencies.slice(0, first), [99])
  return { p50Us, p99Us, figures: { warmUpP99Us: begun } }
}
