import { type Clock, systemClock } from '../../time.ts'

/** How long a step may wait for something that is not ours, in milliseconds of real time. */
const patienceMs = 1000

export type Settled<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }

/** A step that ended, and whether the event loop turned meanwhile: then it waited for the world outside. */
export type Waited<T> = (Settled<T> | { readonly kind: 'hangs' }) & { readonly turned: boolean }

/**
 * Tells steps that need only the store, whose promises are all settled before the event loop turns, from those that wait
 * for timers, files, other processes or nothing at all.
 */
export class Turns {
  readonly #clock: Clock
  #turn = 0
  #armed = false

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  async settle<T>(work: () => Promise<T> | T): Promise<Waited<T>> {
    const started = this.#now()
    let timer: { cancel(): void } | undefined
    let arm = (): void => {}
    const outcome = await new Promise<Settled<T> | { kind: 'hangs' }>((resolve) => {
      // Made only once the loop turns: a timer for each step would cost more than the step.
      arm = () => {
        timer = this.#clock.after(patienceMs, () => resolve({ kind: 'hangs' }))
      }
      // A step may have another one within it.
      this.#atNextTurn.add(arm)
      settled(work).then(resolve, () => {})
    })
    this.#atNextTurn.delete(arm)
    timer?.cancel()
    return { ...outcome, turned: this.#turn !== started }
  }

  readonly #atNextTurn = new Set<() => void>()

  /** Counts turns of the event loop, with one callback for all steps within a turn. */
  #now(): number {
    if (!this.#armed) {
      this.#armed = true
      setImmediate(() => {
        this.#armed = false
        this.#turn++
        for (const arm of this.#atNextTurn) arm()
        this.#atNextTurn.clear()
      })
    }
    return this.#turn
  }
}

async function settled<T>(work: () => Promise<T> | T): Promise<Settled<T>> {
  try {
    return { kind: 'value', value: await work() }
  } catch (error) {
    return { kind: 'error', error }
  }
}
