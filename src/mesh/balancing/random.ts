import type { Balancer, Candidate, Choosing } from './candidate.ts'
import { eligible } from './candidate.ts'

/** Each with the same probability, whatever its weight. */
export const random: Balancer = (candidates, choosing) => draw(candidates, choosing)

/** One of the candidates that may be chosen and is not `other`, each with the same probability. */
export function draw(candidates: readonly Candidate[], choosing: Choosing, other?: Candidate): Candidate | undefined {
  const first = candidates[Math.floor(choosing.random() * candidates.length)]
  if (first && first !== other && eligible(first, choosing)) return first
  // The rare case: count those that remain. Having missed once tells nothing of them, so that they stay equally likely.
  let left = 0
  for (const c of candidates) if (c !== other && eligible(c, choosing)) left++
  let nth = Math.floor(choosing.random() * left)
  for (const c of candidates) if (c !== other && eligible(c, choosing) && nth-- === 0) return c
  return undefined
}
