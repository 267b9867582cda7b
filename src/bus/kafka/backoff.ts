import { type Clock, pause } from '../../time.ts'
import type { Sink } from '../bus.ts'

const firstMs = 100
const longestMs = 5_000

/** Waits longer after each failure in a row, and tells the sink that the engine is away, or back. */
export class Backoff {
  readonly #clock: Clock
  readonly #sink: Pick<Sink, 'interrupted' | 'resumed'>
  readonly #signal: AbortSignal
  #waitMs = firstMs
  #away = false

  constructor(clock: Clock, sink: Pick<Sink, 'interrupted' | 'resumed'>, signal: AbortSignal) {
    this.#clock = clock
    this.#sink = sink
    this.#signal = signal
  }

  async failed(error: unknown): Promise<void> {
    if (this.#signal.aborted) return
    const waitMs = this.#waitMs
    this.#waitMs = Math.min(longestMs, waitMs * 2)
    this.#away = true
    this.#sink.interrupted(error, waitMs)
    await pause(this.#clock, waitMs, this.#signal)
  }

  succeeded(): void {
    this.#waitMs = firstMs
    if (!this.#away) return
    this.#away = false
    this.#sink.resumed()
  }
}
