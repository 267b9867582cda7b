import type { Clock, Timer } from '../../time.ts'

/** What is to be over by a moment. */
export interface Awaited {
  /** Monotonic, in milliseconds. */
  readonly at: number
  readonly late: () => void
  /** Its place among all of them; none once it is over. */
  place: number
}

const nowhere = -1

/**
 * The deadlines of all tries under way, by one timer that is set for the earliest of them and stays set when that one is met: almost
 * all are, and setting and clearing a timer for each costs more than all else that a client does by itself. The price is a
 * look at what is under way whenever the timer fires.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #awaited: Awaited[] = []
  #timer: Timer | undefined
  #due = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `late` at that moment, unless the result is `met` before. */
  await(at: number, late: () => void, now: number): Awaited {
    const awaited = { at, late, place: this.#awaited.length }
    this.#awaited.push(awaited)
    if (at < this.#due) this.#set(at, now)
    return awaited
  }

  met(awaited: Awaited): void {
    const { place } = awaited
    if (place === nowhere) return
    awaited.place = nowhere
    // The last one takes its place.
    const last = this.#awaited.pop() as Awaited
    if (last === awaited) return
    this.#awaited[place] = last
    last.place = place
  }

  close(): void {
    this.#timer?.cancel()
    this.#due = Number.POSITIVE_INFINITY
  }

  #set(at: number, now: number): void {
    this.#timer?.cancel()
    this.#due = at
    // It may outlast what it was set for; what is under way keeps the process alive by itself.
    this.#timer = this.#clock.after(at - now, this.#look, { background: true })
  }

  readonly #look = (): void => {
    const now = this.#clock.monotonic()
    this.#due = Number.POSITIVE_INFINITY
    const late = this.#awaited.filter(({ at }) => at <= now)
    for (const one of late) this.met(one)
    const next = this.#awaited.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY)
    if (next < Number.POSITIVE_INFINITY) this.#set(next, now)
    for (const one of late) one.late()
  }
}
