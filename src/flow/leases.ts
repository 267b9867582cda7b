import type { Store } from '../store/store.ts'
import type { Clock } from '../time.ts'
import type { Moment } from './status.ts'

/**
 * The time that leases are kept in. Processes of one machine share its monotonic clock, which never jumps; where the store
 * is shared by several machines its own clock is all that they have in common, and boots of machines say nothing.
 */
export class LeaseTime {
  readonly #store: Store
  readonly #clock: Clock
  #offset = 0

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** True where all who hold leases are on one machine. */
  get oneMachine(): boolean {
    return this.#store.time === undefined
  }

  /** Asks the store what time it is; between two looks this machine's clock goes on from there. */
  async look(): Promise<void> {
    if (!this.#store.time) return
    const before = this.#clock.monotonic()
    const there = await this.#store.time()
    this.#offset = there - (before + this.#clock.monotonic()) / 2
  }

  /** Milliseconds. */
  now(): number {
    return this.#clock.monotonic() + this.#offset
  }
}

/** Now, for `storeStatus`; `boot` is this machine's. */
export async function momentOn(store: Store, clock: Clock, boot: string): Promise<Moment> {
  const time = new LeaseTime(store, clock)
  await time.look()
  return { boot: time.oneMachine ? boot : undefined, now: time.now() }
}
