const slots = 10

/** How often something happened within the last seconds, give or take a tenth of them. Times are monotonic, in milliseconds. */
export class Recent {
  readonly #counts = new Array<number>(slots).fill(0)
  readonly #slotMs: number
  #slot = 0
  #total = 0

  constructor(seconds: number) {
    this.#slotMs = (seconds * 1000) / slots
  }

  add(now: number): void {
    this.#moveTo(now)
    this.#counts[this.#slot % slots] = (this.#counts[this.#slot % slots] as number) + 1
    this.#total++
  }

  count(now: number): number {
    this.#moveTo(now)
    return this.#total
  }

  #moveTo(now: number): void {
    const slot = Math.floor(now / this.#slotMs)
    for (let s = Math.max(this.#slot + 1, slot - slots + 1); s <= slot; s++) {
      this.#total -= this.#counts[s % slots] as number
      this.#counts[s % slots] = 0
    }
    this.#slot = slot
  }
}
