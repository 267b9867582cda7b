import { hashOfText } from '../../keys.ts'
import { type Balancer, type Candidate, eligible } from './candidate.ts'
import { random } from './random.ts'

/**
 * The same endpoint for the same key, whichever client asks: the highest of all hashes of (key, endpoint), which is rendezvous
 * hashing. When an endpoint leaves its keys alone move, spread over all others; when one comes it takes its share and nothing else
 * moves. There is no table to build. Shares follow weights; slow start does not apply, since it would move keys all the while.
 * Costs a pass over the candidates. Without a key anybody is chosen.
 */
export function byKey(): Balancer {
  let list: readonly Candidate[] | undefined
  let even = true
  return (candidates, choosing) => {
    if (choosing.key === undefined) return random(candidates, choosing)
    if (candidates !== list) {
      even = candidates.every((c) => c.endpoint.weight === candidates[0]?.endpoint.weight)
      list = candidates
    }
    const key = hashOfText(choosing.key)
    let best: Candidate | undefined
    let highest = Number.NEGATIVE_INFINITY
    for (let i = 0; i < candidates.length; i++) {
      const c = candidates[i] as Candidate
      if (!eligible(c, choosing)) continue
      const height = even ? mix(key ^ c.hash) : -c.endpoint.weight / Math.log((mix(key ^ c.hash) + 0.5) / 2 ** 32)
      if (height < highest || (height === highest && best && best.endpoint.id < c.endpoint.id)) continue
      highest = height
      best = c
    }
    return best
  }
}

/** The last steps of MurmurHash3 (A. Appleby): each bit of the input changes half of the output's. */
function mix(bits: number): number {
  let h = bits
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
