import type { Random } from '../../ids.ts'
import { Bulkhead } from '../resilience/bulkhead.ts'
import { Quantiles } from '../resilience/quantile.ts'
import { concurrentRetryRoom, RetryBudget } from '../resilience/retry-budget.ts'
import { Throttle } from '../resilience/throttle.ts'
import type { DestinationSettings } from '../routing/settings.ts'
import { EndpointGroup } from './group.ts'

/** All that a client keeps for one destination: a service, or one subset of it. */
export class Destination {
  readonly group: EndpointGroup
  readonly settings: DestinationSettings
  /** Of good answers, where hedging asks for it. */
  readonly latencies = new Quantiles()
  readonly throttle = new Throttle()
  readonly #bulkhead: Bulkhead
  readonly #budget: RetryBudget | undefined
  readonly #waiting: (() => void)[] = []
  #retrying = 0

  constructor(settings: DestinationSettings, random: Random) {
    this.settings = settings
    this.group = new EndpointGroup(settings, random)
    this.#bulkhead = new Bulkhead(settings.bulkhead)
    this.#budget = settings.retryBudget.kind === 'rate' ? new RetryBudget(settings.retryBudget) : undefined
  }

  /** Calls under way. */
  get running(): number {
    return this.#bulkhead.running
  }

  /** Resolves when the call may go; false when too many wait already. Rejects with the signal's reason. */
  enter(signal: AbortSignal, now: number): boolean | Promise<boolean> {
    const how = this.#bulkhead.enter()
    if (how === 'refuse') return false
    this.#budget?.deposit(now)
    return how === 'run' ? true : this.#wait(signal)
  }

  leave(): void {
    if (this.#bulkhead.leave() === 'next') this.#waiting.shift()?.()
  }

  #wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', abort)
        resolve(true)
      }
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1)
        this.#bulkhead.gaveUp()
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.push(go)
    })
  }

  /** Takes one retry out of the budget, if there is one. `retried` gives back what counts while it is under way. */
  withdraw(now: number): boolean {
    const { retryBudget, mostRetries } = this.settings
    if (this.#retrying >= mostRetries) return false
    const granted =
      retryBudget.kind === 'rate'
        ? (this.#budget?.withdraw(now) ?? false)
        : concurrentRetryRoom(this.running, this.#retrying, retryBudget.share, retryBudget.least) > 0
    if (granted) this.#retrying++
    return granted
  }

  retried(): void {
    this.#retrying--
  }
}
