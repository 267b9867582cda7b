import { SkerryError } from '../../errors.ts'
import { type Clock, pause } from '../../time.ts'
import { continues } from '../accept.ts'
import type { Batch } from '../bus.ts'
import { merged, refusalOf } from '../waiting.ts'
import { explain, unavailable } from './failures.ts'

/** Characters of frames in one transaction. */
const mostInCommit = 2 * 1024 * 1024
/** Appends that wait together and continue one another are stored as one frame, up to this size. */
const mergeSize = 32 * 1024
const firstWaitMs = 20
const longestWaitMs = 250

/** What became of a batch: `stored` when it is durable, `full` without room, or the mark that it should have followed. */
export type Stored = 'stored' | 'full' | { readonly mark: number }

export interface AppenderOptions {
  readonly place: string
  readonly clock: Clock
  readonly timeoutMs: number
  /** Stores batches in one transaction. When it rejects, nobody knows whether they are stored. */
  readonly store: (batches: readonly Batch[]) => Promise<readonly Stored[]>
  /** True for a failure after which the same batches may be sent again. */
  readonly mayPass: (error: unknown) => boolean
}

interface Waiting {
  readonly batch: Batch
  readonly since: number
  readonly resolve: () => void
  readonly reject: (error: SkerryError) => void
}

/**
 * Appends on their way. One transaction at a time, so that what one producer sends stays in the order of the calls; what
 * comes meanwhile goes together in the next. While the server is away they wait and are sent again: the
 * producers' marks tell what had arrived.
 */
export class Appender {
  readonly #options: AppenderOptions
  #queue: Waiting[] = []
  #queued = 0
  #running: Promise<void> | undefined
  /** Since when the server has not answered. */
  #awaySince: number | undefined

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  append(batch: Batch): Promise<void> {
    const refusal = refusalOf(batch, { queued: this.#queued, pending: this.#queue.length }, this.#options.place)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, since: this.#options.clock.monotonic(), resolve, reject })
      this.#queued += batch.frame.length
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is waiting. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    // After whatever runs now, so that what is appended meanwhile goes in one transaction.
    await new Promise<void>((resolve) => process.nextTick(resolve))
    let waitMs = firstWaitMs
    while (this.#queue.length > 0) {
      const group = this.#next()
      try {
        const results = await this.#options.store(group.map(merged))
        this.#awaySince = undefined
        waitMs = firstWaitMs
        this.#settle(group, results)
      } catch (error) {
        if (!this.#options.mayPass(error)) this.#refuse(group.flat().length, explain(error, this.#options.place))
        else {
          this.#refuseOld(error)
          await pause(this.#options.clock, waitMs)
          waitMs = Math.min(longestWaitMs, waitMs * 2)
        }
      }
    }
    this.#running = undefined
  }

  /** The first in line, as runs that are stored as one frame each. They stay in line until they are settled. */
  #next(): Waiting[][] {
    const group: Waiting[][] = []
    let run: Waiting[] = []
    let runSize = 0
    let size = 0
    for (const waiting of this.#queue) {
      const { length } = waiting.batch.frame
      if (size > 0 && size + length > mostInCommit) break
      const last = run.at(-1)
      if (last && runSize + length <= mergeSize && continues(last.batch, waiting.batch)) {
        run.push(waiting)
        runSize += length
      } else {
        run = [waiting]
        runSize = length
        group.push(run)
      }
      size += length
    }
    return group
  }

  #settle(group: readonly Waiting[][], results: readonly Stored[]): void {
    const { place } = this.#options
    for (const [i, run] of group.entries()) {
      const result = results[i] as Stored
      if (result === 'stored') for (const waiting of this.#take(run.length)) waiting.resolve()
      else if (result === 'full') this.#refuse(run.length, full(place))
      else this.#refuse(run.length, missing(run[0] as Waiting, result.mark, place))
    }
  }

  #take(count: number): Waiting[] {
    const taken = this.#queue.splice(0, count)
    for (const { batch } of taken) this.#queued -= batch.frame.length
    return taken
  }

  #refuse(count: number, error: SkerryError): void {
    for (const { reject } of this.#take(count)) reject(error)
  }

  /** Each waits for the time-out at most, counted from when the server went away. */
  #refuseOld(error: unknown): void {
    const { clock, timeoutMs, place } = this.#options
    const now = clock.monotonic()
    this.#awaySince ??= now
    const away = this.#awaySince
    const old = this.#queue.findIndex(({ since }) => now - Math.max(since, away) < timeoutMs)
    this.#refuse(old < 0 ? this.#queue.length : old, unavailable(place, error, now - away))
  }
}

function full(place: string): SkerryError {
  return new SkerryError(
    'overloaded',
    `${place}: the bus has reached its size limit; raise maxBytes, or forget abandoned subscriptions so that retention can go on`,
    { retryAfterMs: 250 },
  )
}

function missing({ batch }: Waiting, mark: number, place: string): SkerryError {
  return new SkerryError(
    'conflict',
    `${place}: producer ${batch.producer} sent events after its number ${batch.after}, but only ${mark} arrived; ` +
      'send again from the number that producerMark gives',
  )
}
