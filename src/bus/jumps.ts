/** How long nothing is deleted after a jump of the wall clock: ages mean nothing then, and a person may want to look. */
export const suspensionMs = 10 * 60_000
const jumpMs = 60_000

/** Compares wall time with time that never jumps. */
export class JumpDetector {
  #offset: number | undefined
  #suspendedUntil = Number.NEGATIVE_INFINITY
  #jumps = 0

  get jumps(): number {
    return this.#jumps
  }

  /** The jump since the last look in milliseconds, or 0. Slow drift is followed, not reported. */
  look(wall: number, monotonic: number): number {
    const offset = wall - monotonic
    const by = this.#offset === undefined ? 0 : offset - this.#offset
    this.#offset = offset
    if (Math.abs(by) <= jumpMs) return 0
    this.#jumps++
    this.#suspendedUntil = monotonic + suspensionMs
    return by
  }

  suspended(monotonic: number): boolean {
    return monotonic < this.#suspendedUntil
  }
}
