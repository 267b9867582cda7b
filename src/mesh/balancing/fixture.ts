import { seededRandom } from '../../ids.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Balancer, Candidate, Choosing } from './candidate.ts'
import { candidate } from './candidate.ts'

/** Endpoints `a`, `b`, … of these weights, long in use. */
export function candidates(...weights: number[]): Candidate[] {
  return weights.map((weight, i) => candidate(endpointOf(i, weight), Number.NEGATIVE_INFINITY))
}

export function endpointOf(i: number, weight = 1): Endpoint {
  const id = String.fromCharCode(97 + (i % 26)).repeat(1 + Math.floor(i / 26))
  return { id, address: `http://10.0.${i >> 8}.${i & 255}:8080`, labels: {}, weight }
}

export function choosing(seed: string | number, changes: Partial<Choosing> = {}): Choosing {
  return { now: 0, random: seededRandom(String(seed)), ...changes }
}

/** How often each id was chosen in `times` turns. */
export function tally(
  balancer: Balancer,
  list: readonly Candidate[],
  times: number,
  how: Choosing,
): Record<string, number> {
  const counts: Record<string, number> = Object.fromEntries(list.map((c) => [c.endpoint.id, 0]))
  for (let i = 0; i < times; i++) {
    const id = balancer(list, how)?.endpoint.id
    if (id) counts[id] = (counts[id] as number) + 1
  }
  return counts
}
