import type { Batch, Bus } from '../bus/bus.ts'
import type { StreamEvent } from '../cloudevents.ts'
import { codeOf } from '../errors.ts'
import { encodeRecord } from '../frame.ts'
import { type Clock, pause } from '../time.ts'

/** An event with the number that its publisher gives it; numbers grow, and may have gaps. */
export interface NumberedEvent {
  readonly number: number
  readonly event: StreamEvent
}

export interface Sent {
  readonly fresh: number
  /** How many the bus had before, by their numbers. */
  readonly known: number
}

/** Most text in one append. */
const appendLimit = 256 * 1024
const waits = new Set(['overloaded', 'unavailable', 'conflict'])

/**
 * Sends numbered events of any streams. Each stream has a producer of its own, since the bus counts by producer; a run of
 * neighbouring numbers is one append, and all appends of one call are on their way together.
 */
export class Sender {
  readonly #bus: Bus
  readonly #clock: Clock
  readonly #producerOf: (stream: string) => string
  readonly #patienceMs: number
  readonly #marks = new Map<string, number>()

  constructor(bus: Bus, clock: Clock, producerOf: (stream: string) => string, patienceMs = 30_000) {
    this.#bus = bus
    this.#clock = clock
    this.#producerOf = producerOf
    this.#patienceMs = patienceMs
  }

  /** Resolves when all are on disk. Waits for room, then rejects with `overloaded`. */
  async send(events: readonly NumberedEvent[]): Promise<Sent> {
    for (const { event } of events) await this.#know(event.stream)
    const fresh = events.filter((one) => one.number > this.#markOf(one))
    const until = this.#clock.monotonic() + this.#patienceMs
    let left = fresh
    for (let waitMs = 5; left.length > 0; waitMs = Math.min(500, waitMs * 2)) {
      const failure = await this.#append(left)
      if (failure && (!waits.has(codeOf(failure)) || this.#clock.monotonic() + waitMs > until)) throw failure
      if (failure) await pause(this.#clock, waitMs)
      for (const stream of new Set(left.map(({ event }) => event.stream))) await this.#know(stream, true)
      left = left.filter((one) => one.number > this.#markOf(one))
    }
    return { fresh: fresh.length, known: events.length - fresh.length }
  }

  #markOf({ event }: NumberedEvent): number {
    return this.#marks.get(event.stream) ?? 0
  }

  async #know(stream: string, again = false): Promise<void> {
    if (again || !this.#marks.has(stream))
      this.#marks.set(stream, await this.#bus.producerMark(this.#producerOf(stream)))
  }

  /** What went wrong first, if anything did. After a failure later appends of the stream are refused: order holds. */
  async #append(events: readonly NumberedEvent[]): Promise<unknown> {
    const results = await Promise.allSettled(this.#runs(events).map((batch) => this.#bus.append(batch)))
    return results.find((result) => result.status === 'rejected')?.reason
  }

  #runs(events: readonly NumberedEvent[]): Batch[] {
    const runs: Batch[] = []
    const last = new Map<string, Batch>()
    for (const { number, event } of events) {
      const frame = encodeRecord(event.record)
      const before = last.get(event.stream)
      const end = before ? before.first + before.count - 1 : (this.#marks.get(event.stream) ?? 0)
      const extends_ = before && number === end + 1 && before.frame.length + frame.length <= appendLimit
      const run = extends_
        ? { ...before, count: before.count + 1, frame: before.frame + frame }
        : { stream: event.stream, producer: this.#producerOf(event.stream), after: end, first: number, count: 1, frame }
      if (extends_) runs[runs.indexOf(before)] = run
      else runs.push(run)
      last.set(event.stream, run)
    }
    return runs
  }
}
