/** What is under way in this process, by whatever door it came in. */
export class Traffic {
  #inFlight = 0

  /** Calls that are being answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Counts a call until it is answered. */
  async during<T>(call: Promise<T>): Promise<T> {
    this.#inFlight++
    try {
      return await call
    } finally {
      this.#inFlight--
    }
  }
}
