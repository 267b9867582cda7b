import type { Random } from '../../ids.ts'
import type { Endpoint } from '../endpoint.ts'
import { Bulkhead } from '../resilience/bulkhead.ts'
import { Quantiles } from '../resilience/quantile.ts'
import { concurrentRetryRoom, RetryBudget } from '../resilience/retry-budget.ts'
import { Throttle } from '../resilience/throttle.ts'
import type { DestinationSettings } from '../routing/settings.ts'
import { type Change, EndpointGroup } from './group.ts'

/** Who is told what becomes of calls to a destination. */
export interface Telling {
  changed(endpoint: Endpoint, change: Change): void
  again(granted: boolean): void
}

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

  readonly #telling: Telling | undefined

  constructor(settings: DestinationSettings, random: Random, telling?: Telling) {
    this.#telling = telling
    this.settings = settings
    this.group = new EndpointGroup(settings, random, telling?.changed)
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
    const granted = this.#retrying < this.settings.mostRetries && this.#hasRoom(now)
    if (granted) this.#retrying++
    this.#telling?.again(granted)
    return granted
  }

  #hasRoom(now: number): boolean {
    const { retryBudget } = this.settings
    if (retryBudget.kind === 'rate') return this.#budget?.withdraw(now) ?? false
    return concurrentRetryRoom(this.running, this.#retrying, retryBudget.share, retryBudget.least) > 0
  }

  retried(): void {
    this.#retrying--
  }
}
