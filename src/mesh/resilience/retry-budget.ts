import { Recent } from './recent.ts'

export interface RetryBudgetPolicy {
  /** Retries for each request, 0–1. @default 0.2 */
  readonly share: number
  /** Retries a second that are always there, so that a client with little to do may retry at all. @default 10 */
  readonly floorPerSecond: number
}

export const defaultRetryBudget: RetryBudgetPolicy = { share: 0.2, floorPerSecond: 10 }

/** How long what a request earns, and what a retry costs, counts. */
const seconds = 10

/**
 * How many retries a client may send: a share of the requests of the last ten seconds, and a floor. However much fails, a server
 * gets at most a fifth more than what was asked for, and the floor. One for each service that is called.
 */
export class RetryBudget {
  readonly #policy: RetryBudgetPolicy
  readonly #requests = new Recent(seconds)
  readonly #retries = new Recent(seconds)

  constructor(policy: RetryBudgetPolicy = defaultRetryBudget) {
    this.#policy = policy
  }

  /** A call begins: its first try. `now` is monotonic, in milliseconds. */
  deposit(now: number): void {
    this.#requests.add(now)
  }

  /** Takes one retry, or says that there is none left. */
  withdraw(now: number): boolean {
    if (this.left(now) < 1) return false
    this.#retries.add(now)
    return true
  }

  /** Retries that may be sent now; less than 1 is none. */
  left(now: number): number {
    const floor = this.#policy.floorPerSecond * seconds
    // A hair below a whole one is rounding, not a limit.
    return floor + this.#policy.share * this.#requests.count(now) - this.#retries.count(now) + 1e-9
  }
}

/**
 * Istio's `retryBudget`, which counts what is under way instead: retries may be this share of all active requests, and at least
 * `least` at once.
 */
export function concurrentRetryRoom(active: number, retrying: number, share: number, least: number): number {
  return Math.max(0, Math.max(least, Math.floor(active * share)) - retrying)
}
