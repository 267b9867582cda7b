import type { Clock, Timer } from '../../time.ts'

const everyMs = 50
/** So many of the last ones count. */
const samples = 10

/** How late the event loop is, as a timer of its own sees it: only while somebody is interested. */
export class LoopDelay {
  readonly #clock: Clock
  #late: number[] = []
  #due = 0
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Mean of the last half second, in milliseconds; what is overdue counts as it is now. 0 while nothing is known. */
  get ms(): number {
    const now = this.#clock.monotonic()
    const all = this.#timer && now > this.#due ? [...this.#late, now - this.#due] : this.#late
    return all.length === 0 ? 0 : all.reduce((sum, one) => sum + one, 0) / all.length
  }

  watch(): void {
    if (!this.#timer) this.#next()
  }

  /** What was seen before says nothing of later. */
  rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#late = []
  }

  #next(): void {
    this.#due = this.#clock.monotonic() + everyMs
    this.#timer = this.#clock.after(everyMs, () => this.#look(), { background: true })
  }

  #look(): void {
    this.#late.push(Math.max(0, this.#clock.monotonic() - this.#due))
    if (this.#late.length > samples) this.#late.shift()
    this.#next()
  }
}
