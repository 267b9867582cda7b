/**
 * Finds out that it was we who were away: whoever looks at regular times and comes late cannot say that the others were silent
 * meanwhile, since what they said may wait to be read.
 */
export class Pauses {
  readonly #everyMs: number
  #last: number

  /** Looks come every `everyMs`. All times are monotonic, in milliseconds. */
  constructor(everyMs: number, at: number) {
    this.#everyMs = everyMs
    this.#last = at
  }

  /** Says at each look for how long we were away before it; 0 when it came about in time. */
  look(at: number): number {
    const late = at - this.#last - this.#everyMs
    this.#last = at
    return late > this.#everyMs ? late : 0
  }
}
