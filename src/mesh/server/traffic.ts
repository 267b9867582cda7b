import { SkerryError } from '../../errors.ts'
import type { Random } from '../../ids.ts'
import { unwatched, type Watcher } from '../../telemetry.ts'
import type { Clock } from '../../time.ts'
import {
  ConcurrencyLimit,
  type ConcurrencyPolicy,
  defaultConcurrency,
  type Priority,
} from '../resilience/concurrency-limit.ts'
import { unknown } from '../routing/fields.ts'
import { LoopDelay } from './loop-delay.ts'
import { Unbegun } from './unbegun.ts'

/** Calls wait for one another's commits, and so share them: a server of calls begins with more than one that computes. */
export const defaultTraffic: ConcurrencyPolicy = { ...defaultConcurrency, first: 256, least: 64, most: 2048 }

export interface TrafficOptions {
  readonly clock: Clock
  readonly random: Random
  /** `false`: no limit but the deadlines of callers. */
  readonly limit?: Partial<ConcurrencyPolicy> | false
  /** Is told when calls are turned away (`shed`). */
  readonly watcher?: Watcher
}

/** There may be thousands a second, and one line says as much, in milliseconds. */
const toldEveryMs = 10_000
const gatheredMs = 1000

const ranges: Readonly<Record<keyof ConcurrencyPolicy, readonly [least: number, most: number]>> = {
  first: [1, 1_000_000],
  least: [1, 1_000_000],
  most: [1, 1_000_000],
  lowShare: [0, 1],
  loopDelayMs: [1, 60_000],
  tolerance: [1, 100],
  calmMs: [0, 60_000],
}

/** Throws `invalid_config` naming the field. */
function checked(policy: ConcurrencyPolicy): ConcurrencyPolicy {
  for (const [name, value] of Object.entries(policy)) {
    const [least, most] = ranges[name as keyof ConcurrencyPolicy] ?? []
    if (least === undefined || most === undefined)
      throw new SkerryError('invalid_config', `concurrency: ${unknown('field', name, Object.keys(ranges))}`)
    if (!(value >= least && value <= most))
      throw new SkerryError('invalid_config', `concurrency.${name} ${value} is not within ${least}–${most}`)
  }
  if (policy.least <= policy.most) return policy
  throw new SkerryError('invalid_config', `concurrency.least ${policy.least} is more than most, ${policy.most}`)
}

/** What is under way in this process, by whatever door it came in; and how much may be. Throws `invalid_config` for no limit. */
export class Traffic {
  readonly #clock: Clock
  readonly #random: Random
  readonly #limit: ConcurrencyLimit | undefined
  readonly #delay: LoopDelay
  readonly #shed = { normal: 0, low: 0 }
  readonly #watcher: Watcher
  /** Turned away, and not told of yet. */
  #untold = { normal: 0, low: 0 }
  #toldAt = Number.NEGATIVE_INFINITY
  #telling = false
  #inFlight = 0

  constructor({ clock, random, limit, watcher = unwatched }: TrafficOptions) {
    this.#watcher = watcher
    this.#clock = clock
    this.#random = random
    this.#limit = limit === false ? undefined : new ConcurrencyLimit(checked({ ...defaultTraffic, ...limit }))
    this.#delay = new LoopDelay(clock)
  }

  /** Calls that are being answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Calls that may be answered at a time now; Infinity without a limit. */
  get limit(): number {
    return this.#limit?.limit ?? Number.POSITIVE_INFINITY
  }

  /** How many calls were turned away. */
  get shed(): Readonly<Record<Priority, number>> {
    return this.#shed
  }

  /** Lets a call in until `work` has ended, or throws `Unbegun`. `gone` says whether its caller had given it up by then. */
  async during<T>(priority: Priority, gone: () => boolean, work: () => Promise<T>): Promise<T> {
    this.#admit(priority)
    const came = this.#clock.monotonic()
    try {
      return await work()
    } finally {
      const now = this.#clock.monotonic()
      this.#inFlight--
      this.#limit?.ended(gone() ? undefined : now - came, now, this.#delay.ms)
      if (this.#inFlight === 0) this.#delay.rest()
    }
  }

  #admit(priority: Priority): void {
    const admission = this.#limit?.admit(priority, this.#random)
    if (admission?.kind === 'shed') {
      this.#shed[priority]++
      this.#tellOf(priority)
      const message = `too many calls are under way${priority === 'low' ? ' for one of low priority' : ''}; ask later`
      throw new Unbegun('shed', message, admission.retryAfterMs)
    }
    this.#inFlight++
    if (this.#limit) this.#delay.watch()
  }

  /** A second is waited, so that the first line does not speak of one where there are many. */
  #tellOf(priority: Priority): void {
    this.#untold[priority]++
    if (this.#telling) return
    this.#telling = true
    const inMs = Math.max(gatheredMs, this.#toldAt + toldEveryMs - this.#clock.monotonic())
    this.#clock.after(inMs, () => this.#tell(), { background: true })
  }

  #tell(): void {
    this.#telling = false
    this.#toldAt = this.#clock.monotonic()
    const untold = this.#untold
    this.#untold = { normal: 0, low: 0 }
    this.#watcher({ kind: 'shed', ...untold, limit: this.limit })
  }
}
