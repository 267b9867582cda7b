import type { Random } from '../ids.ts'
import { backoff, type RetryPolicy } from './retry.ts'

/**
 * A subscription's circuit. While a dependency is away (`unavailable`) trying every event of a backlog would help
 * nobody: the circuit opens, pauses the subscription, and probes with one event at a time.
 */
export type Circuit =
  | { readonly state: 'closed'; readonly recent: readonly boolean[] }
  | { readonly state: 'open'; readonly until: number; readonly openings: number }
  | { readonly state: 'probing'; readonly openings: number }

export const closedCircuit: Circuit = { state: 'closed', recent: [] }

/** How many outcomes are looked at, how many of them make a judgement, and which share of failures opens. */
export const circuitWindow = { most: 20, least: 5, share: 0.5 }

const pauses: RetryPolicy = { attempts: 1, firstMs: 500, factor: 2, mostMs: 30_000, jitter: 0.2 }

/** What an outcome does to the circuit. `now` is monotonic, in milliseconds. */
export function afterOutcome(circuit: Circuit, available: boolean, now: number, random: Random): Circuit {
  if (circuit.state === 'probing') return available ? closedCircuit : open(circuit.openings + 1, now, random)
  if (circuit.state === 'open') return circuit
  if (available && !circuit.recent.includes(false)) return circuit.recent.length ? closedCircuit : circuit
  const recent = [...circuit.recent, available].slice(-circuitWindow.most)
  const failures = recent.filter((ok) => !ok).length
  if (recent.length >= circuitWindow.least && failures / recent.length >= circuitWindow.share)
    return open(1, now, random)
  return { state: 'closed', recent }
}

function open(openings: number, now: number, random: Random): Circuit {
  return { state: 'open', until: now + backoff(openings - 1, pauses, random), openings }
}

/** What time does to it: an open one starts to probe when its pause is over. */
export function afterTime(circuit: Circuit, now: number): Circuit {
  return circuit.state === 'open' && now >= circuit.until ? { state: 'probing', openings: circuit.openings } : circuit
}

/** How many events may be started now, given how many are running. */
export function circuitRoom(circuit: Circuit, running: number): number {
  if (circuit.state === 'closed') return Number.POSITIVE_INFINITY
  return circuit.state === 'probing' && running === 0 ? 1 : 0
}
