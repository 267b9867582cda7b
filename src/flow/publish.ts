import type { Bus } from '../bus/bus.ts'
import { codeOf, SkerryError } from '../errors.ts'
import type { EventRecord } from '../event.ts'
import { encodeRecord } from '../frame.ts'
import { type Clock, pause } from '../time.ts'
import type { Published } from './inbox/bus.ts'

export interface PublisherOptions {
  readonly bus: Bus
  readonly clock: Clock
  readonly stream: string
  /** The name that the bus counts this publisher's events under. */
  readonly producer: string
  /**
   * A new name, for publishers whose numbers say nothing about the events: after a batch whose fate is unknown its
   * numbers must never be given to other events. Publishers that number by content go on from the bus's mark.
   */
  readonly rename?: () => string
  /** Most events that wait in line, 1–10 000 000; one more is refused, since nobody awaits them. @default 100 000 */
  readonly limit?: number
  /** How long to wait for room on the bus, or for its writer, before `overloaded` or `unavailable`, in milliseconds. @default 30 000 */
  readonly patienceMs?: number
}

interface Pending {
  readonly text: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Most text in one append. */
const appendLimit = 256 * 1024

/**
 * Publishes from outside of any handler. Events given in the same moment, or while an append is under way, travel
 * together: one append at a time, numbered, so that sending again after a doubt stores nothing twice.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #limit: number
  readonly #patienceMs: number
  #producer: string
  #sent: number
  #queue: Pending[] = []
  #flushing: Promise<void> | undefined

  /** `mark` is what `bus.producerMark` says: 0 for a producer that never published. */
  constructor(options: PublisherOptions, mark: number) {
    this.#options = options
    this.#producer = options.producer
    this.#sent = mark
    this.#limit = options.limit ?? 100_000
    this.#patienceMs = options.patienceMs ?? 30_000
  }

  /** What the bus has confirmed: the number of the last event, and under which name. */
  get published(): Published {
    return { stream: this.#options.stream, producer: this.#producer, number: this.#sent }
  }

  /** The number of the last event that the bus has confirmed. */
  get sent(): number {
    return this.#sent
  }

  /** Resolves once the event is on disk. Waits in line while the bus has no room; nothing is dropped in silence. */
  publish(record: EventRecord): Promise<void> {
    if (this.#queue.length >= this.#limit) {
      const message = `${this.#options.stream}: ${this.#queue.length} events wait for the bus already; await each publish, or publish more slowly`
      return Promise.reject(new SkerryError('overloaded', message))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ text: encodeRecord(record), resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  /** Resolves when all that was given has been confirmed or refused. */
  async drained(): Promise<void> {
    while (this.#flushing) await this.#flushing
  }

  async #flush(): Promise<void> {
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#take()
      try {
        await this.#append(batch)
        this.#sent += batch.length
        this.#queue.splice(0, batch.length)
        for (const pending of batch) pending.resolve()
      } catch (error) {
        // What stands behind a batch that failed is refused with it: order and numbers have no gaps.
        for (const pending of this.#queue.splice(0)) pending.reject(error)
        if (codeOf(error) !== 'overloaded') await this.#startOver()
      }
    }
    this.#flushing = undefined
  }

  /** The last batch may or may not be stored. */
  async #startOver(): Promise<void> {
    const { bus, rename } = this.#options
    if (rename) {
      this.#producer = rename()
      this.#sent = 0
    } else this.#sent = await bus.producerMark(this.#producer).catch(() => this.#sent)
  }

  /** As many of the first in line as one append may hold. They stay in line until they are confirmed. */
  #take(): Pending[] {
    let bytes = 0
    let count = 0
    for (const pending of this.#queue) {
      bytes += pending.text.length
      if (count > 0 && bytes > appendLimit) break
      count++
    }
    return this.#queue.slice(0, count)
  }

  async #append(batch: readonly Pending[]): Promise<void> {
    const { bus, clock, stream } = this.#options
    const producer = this.#producer
    const frame = batch.map((pending) => pending.text).join('')
    const until = clock.monotonic() + this.#patienceMs
    for (let waitMs = 5; ; waitMs = Math.min(500, waitMs * 2)) {
      try {
        return await bus.append({
          stream,
          producer,
          after: this.#sent,
          first: this.#sent + 1,
          count: batch.length,
          frame,
        })
      } catch (error) {
        const mayPass = codeOf(error) === 'overloaded' || codeOf(error) === 'unavailable'
        if (!mayPass || clock.monotonic() + waitMs > until) throw error
      }
      await pause(clock, waitMs)
    }
  }
}
