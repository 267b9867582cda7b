export interface RetryBudgetPolicy {
  /** Retries for each request, 0–1. @default 0.2 */
  readonly share: number
  /** Retries a second that are always there, so that a client with little to do may retry at all. @default 10 */
  readonly floorPerSecond: number
}

export const defaultRetryBudget: RetryBudgetPolicy = { share: 0.2, floorPerSecond: 10 }

/** What a request earns, and what a retry costs, counts for this long. */
const slots = 10
const slotMs = 1000

/**
 * How many retries a client may send: a share of the requests of the last ten seconds, and a floor. However much fails, a server
 * gets at most a fifth more than what was asked for, and the floor. One for each service that is called.
 */
export class RetryBudget {
  readonly #policy: RetryBudgetPolicy
  readonly #requests = new Array<number>(slots).fill(0)
  readonly #retries = new Array<number>(slots).fill(0)
  #slot = 0

  constructor(policy: RetryBudgetPolicy = defaultRetryBudget) {
    this.#policy = policy
  }

  /** A call begins: its first try. `now` is monotonic, in milliseconds. */
  deposit(now: number): void {
    this.#moveTo(now)
    this.#requests[this.#slot % slots] = (this.#requests[this.#slot % slots] as number) + 1
  }

  /** Takes one retry, or says that there is none left. */
  withdraw(now: number): boolean {
    if (this.left(now) < 1) return false
    this.#retries[this.#slot % slots] = (this.#retries[this.#slot % slots] as number) + 1
    return true
  }

  /** Retries that may be sent now; less than 1 is none. */
  left(now: number): number {
    this.#moveTo(now)
    const floor = (this.#policy.floorPerSecond * slots * slotMs) / 1000
    // A hair below a whole one is rounding, not a limit.
    return floor + this.#policy.share * sum(this.#requests) - sum(this.#retries) + 1e-9
  }

  #moveTo(now: number): void {
    const slot = Math.floor(now / slotMs)
    for (let s = Math.max(this.#slot + 1, slot - slots + 1); s <= slot; s++) {
      this.#requests[s % slots] = 0
      this.#retries[s % slots] = 0
    }
    this.#slot = slot
  }
}

function sum(of: readonly number[]): number {
  let total = 0
  for (const n of of) total += n
  return total
}

/**
 * Istio's `retryBudget`, which counts what is under way instead: retries may be this share of all active requests, and at least
 * `least` at once.
 */
export function concurrentRetryRoom(active: number, retrying: number, share: number, least: number): number {
  return Math.max(0, Math.max(least, Math.floor(active * share)) - retrying)
}
