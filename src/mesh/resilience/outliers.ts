import { isGatewayError, type Outcome, verdictOf } from '../request.ts'

export interface OutlierPolicy {
  /** Answers of 5xx, or none at all, in a row that eject. 0: never. @default 0 */
  readonly consecutive5xx: number
  /** Answers of 502, 503 or 504, or none at all, in a row that eject. 0: never. @default 5 */
  readonly consecutiveGatewayErrors: number
  /** Share of failures within an interval that ejects, 0–1; 0: never. @default 0.85 */
  readonly failureShare: number
  /** Requests within an interval without which an endpoint's share of failures says nothing. @default 50 */
  readonly leastRequests: number
  /** Endpoints with that many requests without which nobody is compared. @default 5 */
  readonly leastEndpoints: number
  /** How often endpoints are looked at, in milliseconds. @default 10 000 */
  readonly intervalMs: number
  /** First ejection, in milliseconds; the n-th lasts n times as long. @default 30 000 */
  readonly ejectionMs: number
  /** Longest ejection, in milliseconds. @default 300 000 */
  readonly mostEjectionMs: number
  /** Share of the endpoints that may be ejected at a time, 0–1. @default 0.5 */
  readonly mostEjected: number
}

export const defaultOutliers: OutlierPolicy = {
  consecutive5xx: 0,
  consecutiveGatewayErrors: 5,
  failureShare: 0.85,
  leastRequests: 50,
  leastEndpoints: 5,
  intervalMs: 10_000,
  ejectionMs: 30_000,
  mostEjectionMs: 300_000,
  mostEjected: 0.5,
}

type Watched =
  | {
      readonly state: 'in'
      /** How many times longer than the first the last ejection was; falls by one with each interval that it stays in. */
      times: number
      in5xx: number
      inGateway: number
      good: number
      bad: number
    }
  | { readonly state: 'out'; readonly times: number; readonly until: number }

/**
 * Passive health: who fails while others do not is left out for a while (Envoy's outlier detection). One for each set of
 * endpoints of a service. All times are monotonic, in milliseconds.
 */
export class Outliers {
  readonly #policy: OutlierPolicy
  #watched = new Map<string, Watched>()
  #ejected = 0

  constructor(policy: OutlierPolicy = defaultOutliers) {
    this.#policy = policy
  }

  get ejected(): number {
    return this.#ejected
  }

  isEjected(id: string): boolean {
    return this.#watched.get(id)?.state === 'out'
  }

  /** These are the endpoints now: who left is forgotten, who is new is in. */
  watch(ids: Iterable<string>): void {
    const before = this.#watched
    this.#watched = new Map()
    for (const id of ids) this.#watched.set(id, before.get(id) ?? inside(0))
    this.#ejected = [...this.#watched.values()].filter((w) => w.state === 'out').length
  }

  /** How a request to an endpoint ended. True when the endpoint is ejected by it. */
  ended(id: string, outcome: Outcome, now: number): boolean {
    const watched = this.#watched.get(id)
    const verdict = verdictOf(outcome)
    if (watched?.state !== 'in' || verdict === 'none') return false
    if (verdict === 'bad') watched.bad++
    else watched.good++
    watched.in5xx = is5xx(outcome) ? watched.in5xx + 1 : 0
    watched.inGateway = isGatewayError(outcome) ? watched.inGateway + 1 : 0
    const { consecutive5xx, consecutiveGatewayErrors } = this.#policy
    const reached = (count: number, limit: number): boolean => limit > 0 && count >= limit
    if (reached(watched.inGateway, consecutiveGatewayErrors)) watched.inGateway = 0
    else if (reached(watched.in5xx, consecutive5xx)) watched.in5xx = 0
    else return false
    return this.#eject(id, watched, now)
  }

  /** To be called once every interval. True when the set of those who are in changed. */
  sweep(now: number): boolean {
    let changed = false
    for (const [id, watched] of this.#watched) {
      if (watched.state === 'in') watched.times = Math.max(0, watched.times - 1)
      else if (now >= watched.until) {
        this.#watched.set(id, inside(watched.times))
        this.#ejected--
        changed = true
      }
    }
    return this.#compare(now) || changed
  }

  /** Ejects who failed too large a share of an interval's requests, and begins the next interval. */
  #compare(now: number): boolean {
    const { failureShare, leastRequests, leastEndpoints } = this.#policy
    const inside = [...this.#watched].filter((entry): entry is [string, In] => entry[1].state === 'in')
    const judged = inside.filter(([, w]) => w.good + w.bad >= leastRequests)
    let changed = false
    if (failureShare > 0 && judged.length >= leastEndpoints)
      for (const [id, w] of judged)
        if (w.bad / (w.good + w.bad) >= failureShare && this.#eject(id, w, now)) changed = true
    for (const [, w] of inside) {
      w.good = 0
      w.bad = 0
    }
    return changed
  }

  #eject(id: string, watched: In, now: number): boolean {
    const { ejectionMs, mostEjectionMs, mostEjected } = this.#policy
    if (this.#ejected + 1 > mostEjected * this.#watched.size) return false
    const times = watched.times * ejectionMs < mostEjectionMs ? watched.times + 1 : watched.times
    this.#watched.set(id, { state: 'out', times, until: now + Math.min(ejectionMs * times, mostEjectionMs) })
    this.#ejected++
    return true
  }
}

type In = Extract<Watched, { state: 'in' }>

function inside(times: number): Watched {
  return { state: 'in', times, in5xx: 0, inGateway: 0, good: 0, bad: 0 }
}

/** Having no answer is as bad as a 5xx; a 429 is not one of them. */
function is5xx(outcome: Outcome): boolean {
  return verdictOf(outcome) === 'bad' && !(outcome.kind === 'answered' && outcome.status === 429)
}
