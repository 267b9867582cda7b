import type { Random } from '../../ids.ts'

/**
 * Where calls would mostly fail they fail at once, and whoever failed gets time to recover. After a pause a probe decides.
 * Only one probe runs at a time.
 */
type State =
  | { readonly state: 'closed'; good: number; bad: number; since: number }
  | { readonly state: 'open'; readonly until: number; readonly openings: number }
  | { readonly state: 'probing'; readonly openings: number; running: boolean }

export interface CircuitPolicy {
  /** How long outcomes are gathered before they are forgotten, in milliseconds. @default 10 000 */
  readonly windowMs: number
  /** Outcomes that make a judgement. @default 20 */
  readonly least: number
  /** Share of failures that opens it, 0–1. @default 0.5 */
  readonly share: number
  /** First pause, in milliseconds; it doubles while probes fail. @default 1000 */
  readonly firstMs: number
  /** Longest pause, in milliseconds. @default 30 000 */
  readonly mostMs: number
}

export const defaultCircuit: CircuitPolicy = { windowMs: 10_000, least: 20, share: 0.5, firstMs: 1000, mostMs: 30_000 }

/** Says that a call may go, and is handed back with its outcome. */
export type Ticket = number & { readonly ticket: never }

export class Circuit {
  readonly #policy: CircuitPolicy
  readonly #random: Random
  #state: State = closed(Number.NEGATIVE_INFINITY)
  /** Raised with each change of state, so that what began before it is known to be late. */
  #era = 1

  constructor(random: Random, policy: CircuitPolicy = defaultCircuit) {
    this.#policy = policy
    this.#random = random
  }

  get state(): State['state'] {
    return this.#state.state
  }

  /** Lets a call go, or not. `now` is monotonic, in milliseconds. */
  admit(now: number): Ticket | undefined {
    if (this.#state.state === 'open' && now >= this.#state.until)
      this.#become({ state: 'probing', openings: this.#state.openings, running: false })
    if (this.#state.state === 'open') return undefined
    if (this.#state.state === 'probing') {
      if (this.#state.running) return undefined
      this.#state.running = true
    }
    return this.#era as Ticket
  }

  /** How a call that was admitted ended. What began under an earlier state is not heard any more. */
  ended(ticket: Ticket, verdict: 'good' | 'bad' | 'none', now: number): void {
    if (ticket !== this.#era || this.#state.state === 'open') return
    if (this.#state.state === 'probing') this.#probed(this.#state, verdict, now)
    else this.#count(this.#state, verdict, now)
  }

  /** When the next call may be let through, monotonic, in milliseconds; nothing while calls are. */
  get opensAgainAt(): number | undefined {
    return this.#state.state === 'open' ? this.#state.until : undefined
  }

  #probed(probing: Extract<State, { state: 'probing' }>, verdict: 'good' | 'bad' | 'none', now: number): void {
    if (verdict === 'none') probing.running = false
    else if (verdict === 'good') this.#become(closed(now))
    else this.#open(probing.openings + 1, now)
  }

  #count(counting: Extract<State, { state: 'closed' }>, verdict: 'good' | 'bad' | 'none', now: number): void {
    if (now - counting.since >= this.#policy.windowMs) {
      counting.good = 0
      counting.bad = 0
      counting.since = now
    }
    if (verdict === 'good') counting.good++
    if (verdict === 'bad') counting.bad++
    const all = counting.good + counting.bad
    if (verdict === 'bad' && all >= this.#policy.least && counting.bad / all >= this.#policy.share) this.#open(1, now)
  }

  /** The pause varies by a fifth, so that many clients do not all probe at once. */
  #open(openings: number, now: number): void {
    const full = Math.min(this.#policy.mostMs, this.#policy.firstMs * 2 ** Math.min(openings - 1, 30))
    this.#become({ state: 'open', until: now + full * (1 - 0.2 * this.#random()), openings })
  }

  #become(state: State): void {
    this.#state = state
    this.#era++
  }
}

function closed(since: number): State {
  return { state: 'closed', good: 0, bad: 0, since }
}
