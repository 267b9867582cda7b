import { SkerryError } from '../../errors.ts'
import type { Batch } from '../bus.ts'

/** Text that may wait to be sent, in characters; a single larger batch is taken all the same. */
const waitingLimit = 32 * 1024 * 1024

/** What is known of a producer here: numbers up to `confirmed` are in the log, up to `queued` they are on their way. */
interface Line {
  confirmed: number
  queued: number
  last: Promise<void>
  running: number
  /** Counts failures: what was queued behind one must not be sent, or numbers would arrive with a gap. */
  failures: number
  /** A batch was refused while others are on their way: what comes after it has a gap before it. */
  refused: boolean
}

export interface Sending {
  readonly batch: Batch
  /** Numbers up to this one are in the log already. */
  readonly above: number
  /** True when somebody else may have written for this producer since: nothing that is remembered of it counts. */
  readonly anew: boolean
}

/** One append at a time for each producer, in the order of the calls. */
export class Producers {
  readonly #send: (sending: Sending) => Promise<void>
  readonly #lines = new Map<string, Line>()
  readonly #running = new Set<Promise<void>>()
  #waiting = 0

  constructor(send: (sending: Sending) => Promise<void>) {
    this.#send = send
  }

  append(batch: Batch): Promise<void> {
    const { producer, after, first, count, frame } = batch
    if (first <= after || count < 1)
      return refuse(
        'invalid_config',
        `${producer}: a batch is numbered from ${first}, after ${after}, with ${count} events`,
      )
    const known = this.#lines.get(producer)
    const line = known ?? { confirmed: after, queued: after, last: done, running: 0, failures: 0, refused: false }
    if (after > line.queued && line.refused)
      return refuse(
        'conflict',
        `${producer}: a batch after ${after} has a gap before it; the last one taken is ${line.queued}`,
      )
    if (this.#waiting > 0 && this.#waiting + frame.length > waitingLimit) {
      line.refused = line.running > 0
      return refuse('overloaded', `${batch.stream}: ${this.#waiting} characters wait for Kafka already`)
    }
    this.#lines.set(producer, line)
    // Where numbers do not follow on what this process sent, another one has sent in between, or this is sent again.
    const anew = !known || after !== line.queued
    if (after > line.queued) line.confirmed = line.running === 0 ? after : line.confirmed
    line.queued = Math.max(line.queued, first + count - 1)
    this.#waiting += frame.length
    return this.#track(line, batch, anew)
  }

  #track(line: Line, batch: Batch, anew: boolean): Promise<void> {
    line.running++
    const sending = this.#inTurn(line, batch, line.failures, anew).finally(() => {
      line.running--
      if (line.running === 0) line.refused = false
      this.#waiting -= batch.frame.length
      this.#running.delete(sending)
    })
    this.#running.add(sending)
    line.last = sending.catch(() => {})
    return sending
  }

  /** Resolves when nothing is on its way. */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  async #inTurn(line: Line, batch: Batch, failures: number, anew: boolean): Promise<void> {
    await line.last
    if (line.failures !== failures)
      throw new SkerryError(
        'conflict',
        `${batch.producer}: the batch before the one after ${batch.after} was not accepted`,
      )
    const end = batch.first + batch.count - 1
    if (end <= line.confirmed) return
    try {
      await this.#send({ batch, above: line.confirmed, anew })
      line.confirmed = end
    } catch (error) {
      line.failures++
      line.queued = line.confirmed
      throw error
    }
  }
}

const done = Promise.resolve()

const refuse = (code: 'conflict' | 'overloaded' | 'invalid_config', message: string): Promise<never> =>
  Promise.reject(new SkerryError(code, message))
