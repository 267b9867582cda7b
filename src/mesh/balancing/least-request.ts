import { type Balancer, type Candidate, type Choosing, eligible, weightNow } from './candidate.ts'
import { draw } from './random.ts'
import { defaultSlowStart, type SlowStart } from './slow-start.ts'

const fewDraws = 8
/**
 * Costs that differ by less than this factor are the same. Of many endpoints that are equally good some always seem a little quicker
 * than others; whoever believed that would send more to them until they were slower, over more connections than are needed.
 */
const alikeWithin = 2

/**
 * The better one of two, drawn by weight: fewer requests in flight for its weight, times latency, times the penalty for failures. It
 * costs the same for 2 and for 200 endpoints, and unlike "the best of all" does not send every client to the same one at once.
 *
 * Weights decide who is drawn, so that shares follow them where the two are equally good. Slow start is a weight.
 */
export function leastRequest(slowStart: SlowStart = defaultSlowStart): Balancer {
  let list: readonly Candidate[] | undefined
  let heaviest = 0
  return (candidates, choosing) => {
    if (candidates !== list) {
      heaviest = candidates.reduce((most, c) => Math.max(most, c.endpoint.weight), 0)
      list = candidates
    }
    const one = drawByWeight(candidates, choosing, heaviest, slowStart)
    if (!one) return undefined
    const two = drawByWeight(candidates, choosing, heaviest, slowStart, one)
    return two && better(two, one, choosing.now, heaviest, slowStart) ? two : one
  }
}

/** Draws evenly, and keeps with the probability of the weight: cheap as long as weights do not differ wildly. */
function drawByWeight(
  candidates: readonly Candidate[],
  choosing: Choosing,
  heaviest: number,
  slowStart: SlowStart,
  other?: Candidate,
): Candidate | undefined {
  for (let i = 0; i < fewDraws; i++) {
    const c = draw(candidates, choosing, other)
    if (!c) return undefined
    const share = weightNow(c, choosing.now, slowStart) / heaviest
    if (share >= 1 || choosing.random() < share) return c
  }
  return drawExactly(candidates, choosing, slowStart, other)
}

function drawExactly(
  candidates: readonly Candidate[],
  choosing: Choosing,
  slowStart: SlowStart,
  other: Candidate | undefined,
): Candidate | undefined {
  const able = candidates.filter((c) => c !== other && eligible(c, choosing))
  const weights = able.map((c) => weightNow(c, choosing.now, slowStart))
  let place = choosing.random() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [i, c] of able.entries()) {
    place -= weights[i] as number
    if (place < 0) return c
  }
  return able.at(-1)
}

function better(a: Candidate, b: Candidate, now: number, heaviest: number, slowStart: SlowStart): boolean {
  const latencyA = a.load.latencyMs(now)
  const latencyB = b.load.latencyMs(now)
  const queueA = (a.load.inflight * heaviest) / weightNow(a, now, slowStart) + 1
  const queueB = (b.load.inflight * heaviest) / weightNow(b, now, slowStart) + 1
  const costA = cost(a, latencyA, latencyB, now)
  const costB = cost(b, latencyB, latencyA, now)
  const alike = costA < costB * alikeWithin && costB < costA * alikeWithin
  return alike ? queueA < queueB : queueA * costA < queueB * costB
}

/**
 * Of an endpoint that has not answered well yet nothing good is known: it is taken to be as quick as the other one, or slower. That
 * fades like all that is known, so that it is tried again.
 */
function cost({ load }: Candidate, latencyMs: number, otherMs: number, now: number): number {
  const known = load.proven ? latencyMs || otherMs : Math.max(latencyMs, otherMs * load.freshness(now))
  return Math.max(known || 1, load.waitingMs(now)) * load.penalty(now)
}
