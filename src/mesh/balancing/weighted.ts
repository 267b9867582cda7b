import { type Balancer, type Candidate, eligible, weightNow } from './candidate.ts'
import { defaultSlowStart, type SlowStart } from './slow-start.ts'

/**
 * Smooth weighted round robin, as in nginx: everybody gains its weight at each turn, who has gained most is chosen and pays what all
 * gained. Of weights 5, 1, 1 that is a a b a c a a, and never five in a row. With whole weights each has exactly its weight in
 * as many turns as their sum. A weight may change at any time. Costs a pass over the candidates.
 */
export function weighted(slowStart: SlowStart = defaultSlowStart): Balancer {
  let list: readonly Candidate[] = []
  let gained: number[] = []
  return (candidates, choosing) => {
    if (candidates !== list) {
      gained = carriedOver(candidates, list, gained)
      list = candidates
    }
    let total = 0
    let most = -1
    for (let i = 0; i < candidates.length; i++) {
      const c = candidates[i] as Candidate
      if (!eligible(c, choosing)) continue
      const weight = weightNow(c, choosing.now, slowStart)
      total += weight
      gained[i] = (gained[i] as number) + weight
      if (most < 0 || (gained[i] as number) > (gained[most] as number)) most = i
    }
    if (most < 0) return undefined
    gained[most] = (gained[most] as number) - total
    return candidates[most]
  }
}

/** Who stays keeps what it gained: a new list does not begin with the heaviest again. */
function carriedOver(to: readonly Candidate[], from: readonly Candidate[], gained: readonly number[]): number[] {
  const before = new Map(from.map((c, i) => [c.endpoint.id, gained[i] as number]))
  return to.map((c) => before.get(c.endpoint.id) ?? 0)
}
