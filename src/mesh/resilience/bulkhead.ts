export interface BulkheadPolicy {
  /** Calls under way at a time. At least 1; Infinity for no limit. */
  readonly running: number
  /** Calls that wait for one of them to end, 0 or more. */
  readonly waiting: number
}

/** Ours: a service that does not answer holds at most this much of its callers. */
export const defaultBulkhead: BulkheadPolicy = { running: 1024, waiting: 1024 }

/** Keeps one service that is slow from using up everything its caller has. Who waits, waits with the client. */
export class Bulkhead {
  readonly #policy: BulkheadPolicy
  #running = 0
  #waiting = 0

  constructor(policy: BulkheadPolicy = defaultBulkhead) {
    this.#policy = policy
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  enter(): 'run' | 'wait' | 'refuse' {
    if (this.#running < this.#policy.running) {
      this.#running++
      return 'run'
    }
    if (this.#waiting >= this.#policy.waiting) return 'refuse'
    this.#waiting++
    return 'wait'
  }

  /** One that ran is over. `next`: its place goes to the one that has waited longest, which runs from now on. */
  leave(): 'next' | 'free' {
    if (this.#waiting > 0) {
      this.#waiting--
      return 'next'
    }
    this.#running--
    return 'free'
  }

  /** One that waited does not any more. */
  gaveUp(): void {
    this.#waiting--
  }
}
