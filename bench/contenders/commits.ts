import type { Fact } from 'skerry'
import { nowUs } from '../clock.ts'
import { Tally } from '../workload.ts'

interface Tried {
  readonly index: number
  readonly id: string
}

/**
 * When each event's effect was committed. The watcher is told of outcomes after their commit, in the order in which the
 * handlers ran, but not of which event was handled; so handlers note here that they ended well. A try that ended well
 * and still did not count is told as another outcome, with the event's id.
 */
export class Commits {
  readonly tally: Tally
  readonly #atUs: Float64Array
  readonly #expected: number
  readonly #done = Promise.withResolvers<void>()
  #tried: Tried[] = []
  #next = 0
  #count = 0

  /** Of events numbered below `events`, of which `expected` are to be committed. */
  constructor(events: number, expected = events) {
    this.tally = new Tally(events)
    this.#atUs = new Float64Array(events)
    this.#expected = expected
  }

  /** The last thing that a handler does. When it is said of an event again, what was said before was undone with its batch. */
  handled(index: number, id: string): void {
    const undone = this.#tried.findIndex((tried, i) => i >= this.#next && tried.id === id)
    if (undone >= 0) this.#tried.length = undone
    this.#tried.push({ index, id })
  }

  readonly watch = (fact: Fact): void => {
    const tried = this.#tried[this.#next]
    if (fact.kind === 'handled' && tried !== undefined) this.#committed(tried.index)
    else if ((fact.kind !== 'retried' && fact.kind !== 'dead') || fact.id !== tried?.id) return
    this.#next++
  }

  /** Resolves once all that is expected has been committed. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  /** When, by index, in microseconds of `nowUs`. Throws when handlers ran whose outcome was never told. */
  times(): Float64Array {
    const untold = this.#tried.length - this.#next
    if (untold !== 0) throw new Error(`${untold} tries have no outcome: a commit failed, so times cannot be told apart`)
    return this.#atUs
  }

  #committed(index: number): void {
    this.#atUs[index] = nowUs()
    this.tally.add(index)
    if (++this.#count === this.#expected) this.#done.resolve()
  }
}
