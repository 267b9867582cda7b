import type { Random } from '../../ids.ts'
import { Recent } from './recent.ts'

/** What happened within them counts. The longer, the later a client trusts a service that has room again: it takes about four times that. */
const seconds = 2

/** So much may be turned away, in calls a second, without consequence: a client with little to do is not worth holding back. */
const floor = 10 * seconds

/**
 * A client holds back when a service turns its calls away: saying no costs a server time as well, and one that is asked without end
 * does nothing else. What is sent stays at about twice what is taken, so that it is noticed when more is (client-side throttling, as
 * in Google's book on site reliability, ch. 21).
 */
export class Throttle {
  readonly #taken = new Recent(seconds)
  /** Turned away by the service, or held back here. */
  readonly #refused = new Recent(seconds)

  /** Whether a call may be sent. `now` is monotonic, in milliseconds. */
  admits(now: number, random: Random): boolean {
    const refused = this.#refused.count(now)
    if (refused <= floor) return true
    const taken = this.#taken.count(now)
    const excess = refused - floor - taken
    if (excess <= 0 || random() >= excess / (taken + refused)) return true
    this.#refused.add(now)
    return false
  }

  /** How a call that was sent fared. */
  ended(turnedAway: boolean, now: number): void {
    if (turnedAway) this.#refused.add(now)
    else this.#taken.add(now)
  }
}
