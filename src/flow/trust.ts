import type { Outcome } from './state.ts'

/**
 * Whether the next batch may do without savepoints, where those are dear: a pure decision. A batch without them has to be run
 * again when one of its events fails, so they are left out only while hardly any does.
 *
 * Counted in events since the last one that failed.
 */
export type Trust = number

/** From so many on savepoints are left out: a batch that is run again then costs each event less than they would. */
const enough = 1000

/** Nothing has failed yet. */
export const trustful: Trust = enough

export const trusts = (trust: Trust): boolean => trust >= enough

/** After a batch without savepoints that one event spoiled. */
export const spoiled: Trust = 0

export function afterOutcomes(trust: Trust, outcomes: Iterable<Outcome>): Trust {
  for (const { kind } of outcomes) {
    if (kind === 'retry' || kind === 'dead') trust = 0
    else trust = Math.min(enough, trust + 1)
  }
  return trust
}
