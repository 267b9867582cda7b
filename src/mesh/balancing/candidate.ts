import type { Random } from '../../ids.ts'
import { hashOfText } from '../../keys.ts'
import type { Endpoint } from '../endpoint.ts'
import { Load } from './load.ts'
import { type SlowStart, slowStartFactor } from './slow-start.ts'

/** An endpoint among which is chosen, with what this client knows of it. */
export interface Candidate {
  readonly endpoint: Endpoint
  readonly load: Load
  /** When this client may have begun to use it, monotonic, in milliseconds; −∞ for one that needs no slow start. */
  readonly since: number
  /** Of the address, so that an instance that restarts in place keeps its keys. */
  readonly hash: number
}

/** A newly seen endpoint; with `known`, one whose weight or labels changed, or that was away for a while. */
export function candidate(endpoint: Endpoint, since: number, known?: Candidate): Candidate {
  return { endpoint, load: known?.load ?? new Load(), since, hash: hashOfText(endpoint.address) }
}

export interface Choosing {
  /** Monotonic, in milliseconds. */
  readonly now: number
  readonly random: Random
  /** What the same endpoint should get again; only the choice by key looks at it. */
  readonly key?: string
  /** Ids of endpoints that this request has tried already. */
  readonly avoid?: ReadonlySet<string>
}

/**
 * Chooses one of the candidates, or none when there is none with a weight above 0 that is not to be avoided. A list is never
 * changed: another set of candidates is another list. Whoever keeps something for a list goes by its identity.
 */
export type Balancer = (candidates: readonly Candidate[], choosing: Choosing) => Candidate | undefined

/** Others first; who was tried already rather than nobody. */
export function choose(
  balancer: Balancer,
  candidates: readonly Candidate[],
  choosing: Choosing,
): Candidate | undefined {
  const chosen = balancer(candidates, choosing)
  if (chosen || !choosing.avoid?.size) return chosen
  return balancer(candidates, { ...choosing, avoid: nobody })
}

const nobody: ReadonlySet<string> = new Set()

export function eligible(c: Candidate, choosing: Choosing): boolean {
  return c.endpoint.weight > 0 && !choosing.avoid?.has(c.endpoint.id)
}

/** What an endpoint's weight counts for at this moment. */
export function weightNow(c: Candidate, now: number, slowStart: SlowStart): number {
  return c.endpoint.weight * slowStartFactor(now - c.since, slowStart)
}
