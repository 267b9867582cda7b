const free = Promise.resolve()

/** A mutex: one inside at a time, in the order of asking. */
export class Line {
  #busy = false
  #waiting: (() => void)[] = []

  enter(): Promise<void> {
    if (this.#busy) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#busy = true
    return free
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#busy = false
  }
}
