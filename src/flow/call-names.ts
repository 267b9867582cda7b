import type { AnyCall } from '../call.ts'
import type { CallingOptions } from './handler.ts'

/** Names the calls of one run of one `prepare` step: the same in each run that makes the same calls in the same order. */
export class CallNames {
  /** Calls so far that have no name, by label. */
  readonly #made = new Map<string, number>()

  of({ label }: AnyCall, { name }: CallingOptions): string {
    if (name !== undefined) return `call ${label} ${name}`
    const n = this.#made.get(label) ?? 0
    this.#made.set(label, n + 1)
    return `call ${label} #${n}`
  }
}
