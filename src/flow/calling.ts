import type { AnyCall } from '../call.ts'
import { SkerryError } from '../errors.ts'
import type { Attributes, Delivery } from '../event.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time.ts'
import { CallNames } from './call-names.ts'
import { asCallersOwn } from './callee-errors.ts'
import type { CallingOptions } from './handler.ts'
import { once } from './once.ts'

/** A call that a `prepare` step makes of another service. */
export interface Outgoing {
  readonly type: AnyCall
  readonly input: unknown
  /** The service that calls. */
  readonly from: string
  /** Idempotency key; none where twice is as good as once. */
  readonly key: string | undefined
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number
  /** When whoever waits for this step gives up: monotonic, in milliseconds. Whoever that is tries again, not we. */
  readonly deadline: number | undefined
  readonly signal: AbortSignal
  readonly attributes: Attributes
}

/** What came of it. `effect` says whether it may have taken effect all the same. */
export type Came =
  | { readonly kind: 'answered'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly error: unknown; readonly effect: 'none' | 'unknown' }

/** Carries a call to its service, wherever that runs: flow does not know how. Never rejects. */
export type Caller = (call: Outgoing) => Promise<Came>

/** Where nobody carries calls. */
export const noCaller: Caller = async ({ type, from }) => ({
  kind: 'failed',
  effect: 'none',
  error: new SkerryError('invalid_config', `${from} calls ${type.label}, but calls lead nowhere from here`),
})

/** Whose step it is that calls. */
export interface Step {
  readonly caller: Caller
  /** The calling service. */
  readonly from: string
  /** `orders/charge`, or `orders.place`. */
  readonly subscription: string
  readonly delivery: Delivery
  readonly signal: AbortSignal
  readonly deadline: number | undefined
  /** Told when a result was written down. */
  readonly onOnce: () => void
}

/** The calls of one run of one `prepare` step. */
export class Calling {
  readonly #store: Store
  readonly #clock: Clock
  readonly #step: Step
  readonly #names = new CallNames()

  constructor(store: Store, clock: Clock, step: Step) {
    this.#store = store
    this.#clock = clock
    this.#step = step
  }

  /**
   * Rejects as `PrepareContext.call` says. What takes effect each time is written down, intent and answer, as an effect outside
   * is: its service remembers the key no longer than it promises to.
   */
  async call(type: AnyCall, input: unknown, options: CallingOptions = {}): Promise<unknown> {
    const name = this.#names.of(type, options)
    if (type.idempotent) return this.#ask(type, input, options, undefined)
    const { subscription, delivery } = this.#step
    this.#step.onOnce()
    return once(this.#store, this.#clock, {
      ...{ subscription, delivery, name },
      keyLifetimeMs: Math.max(type.rememberMs / 2, type.rememberMs - type.deadlineMs),
      act: (key) => this.#ask(type, input, options, key),
      withoutEffect: (error) => error instanceof Failed && error.effect === 'none',
    }).catch((error: unknown) => {
      throw error instanceof Failed ? error.cause : error
    })
  }

  async #ask(type: AnyCall, input: unknown, { deadlineMs }: CallingOptions, key: string | undefined): Promise<unknown> {
    const { caller, from, signal, deadline, delivery } = this.#step
    const trace = delivery.record.attributes?.traceparent
    const attributes: Attributes = trace === undefined ? {} : { traceparent: trace }
    const timeoutMs = deadlineMs ?? type.deadlineMs
    const came = await caller({ type, input, from, key, timeoutMs, deadline, signal, attributes })
    if (came.kind === 'answered') return came.output
    const error = asCallersOwn(type, came.error)
    throw key === undefined ? error : new Failed(error, came.effect)
  }
}

/** On its way through `once`. */
class Failed extends Error {
  readonly effect: 'none' | 'unknown'

  constructor(cause: SkerryError, effect: 'none' | 'unknown') {
    super(cause.message, { cause })
    this.effect = effect
  }
}
