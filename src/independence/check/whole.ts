import type { Model } from './explore.ts'
import type { Flow, Pending } from './flow.ts'
import type { Footprint } from './footprint.ts'
import { nameOf } from './job.ts'

type Mark = { readonly flow: ReturnType<Flow['mark']>; readonly crashes: number; readonly steps: number }

/** Everything under way among services as threads, with so many crashes between the two steps of a handler. */
export class Whole implements Model<Footprint, Mark> {
  readonly #flow: Flow
  readonly #mostSteps: number
  #crashes: number
  #steps = 0

  /** After so many steps nobody goes on, whatever is pending. */
  constructor(flow: Flow, crashes: number, mostSteps = Number.POSITIVE_INFINITY) {
    this.#flow = flow
    this.#crashes = crashes
    this.#mostSteps = mostSteps
  }

  enabled(): string[] {
    if (this.#steps >= this.#mostSteps) return []
    return this.#flow.ready().map(threadOf)
  }

  choices(thread: string): string[] {
    const one = this.#find(thread)
    const { handler, unit } = one.job
    const begins = one.stage === 'prepare' || !handler.prepare
    const crashes = this.#crashes > 0 && (unit.remembering || !begins) ? ['crashes'] : []
    // Where it is begun it stays, unless that process ends.
    return ['', ...(begins && unit.remembering ? ['in another process'] : []), ...crashes]
  }

  async step(thread: string, choice: string): Promise<Footprint> {
    const one = this.#find(thread)
    this.#steps++
    if (choice === 'crashes') {
      this.#crashes--
      const footprint = this.#flow.crash(one)
      return { ...footprint, changes: new Set([...footprint.changes, 'crash']) }
    }
    const assigned = choice === '' ? one : this.#flow.assign(one, 1 - one.instance)
    return (await this.#flow.step(assigned)).footprint
  }

  mark(): Mark {
    return { flow: this.#flow.mark(), crashes: this.#crashes, steps: this.#steps }
  }

  back({ flow, crashes, steps }: Mark): void {
    this.#flow.back(flow)
    this.#steps = steps
    this.#crashes = crashes
  }

  #find(thread: string): Pending {
    return this.#flow.course.pending.find((one) => threadOf(one) === thread) as Pending
  }
}

function threadOf({ job, copy }: Pending): string {
  return copy === 0 ? nameOf(job) : `${nameOf(job)} again`
}
