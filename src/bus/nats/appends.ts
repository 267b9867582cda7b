import { codeOf } from '../../errors.ts'
import type { Clock } from '../../time.ts'
import { pause } from '../../time.ts'
import { continues } from '../accept.ts'
import type { Batch } from '../bus.ts'
import { Queue } from '../queue.ts'
import { merged, refusalOf } from '../waiting.ts'
import { explain, isOutdated, mayPass } from './failures.ts'
import type { Link } from './link.ts'
import type { Log } from './log.ts'
import { eventsPerMessage } from './message.ts'
import { Producer } from './producer.ts'
import type { Terms } from './terms.ts'

/** Appends of one producer that wait together and continue one another are stored as one message, up to this size. */
const mergeSize = 256 * 1024
/** Producers whose place is remembered while they rest. */
const mostProducers = 1000
const againMs = 50

interface Waiting {
  readonly batch: Batch
  readonly deadline: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface Lane {
  readonly producer: Producer
  readonly queue: Queue<Waiting>
  running: boolean
}

export interface AppendsOptions {
  readonly log: Log
  readonly terms: Terms
  readonly clock: Clock
  readonly timeoutMs: number
  /** Most bytes of a frame that one message takes. */
  readonly mostBytes: number
  readonly onStored: (stream: string) => void
}

/** Appends on their way: one message at a time for each producer, in the order of the calls; producers side by side. */
export class Appends {
  readonly #options: AppendsOptions
  readonly #link: Link
  readonly #lanes = new Map<string, Lane>()
  #queued = 0
  #pending = 0
  #idle: (() => void)[] = []

  constructor(options: AppendsOptions) {
    this.#options = options
    this.#link = options.log.link
  }

  append(batch: Batch): Promise<void> {
    const { clock, timeoutMs } = this.#options
    const refusal = refusalOf(batch, { queued: this.#queued, pending: this.#pending }, this.#link.where)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      const lane = this.#laneOf(batch.producer)
      lane.queue.push({ batch, deadline: clock.monotonic() + timeoutMs, resolve, reject })
      this.#queued += batch.frame.length
      this.#pending++
      if (lane.running) return
      lane.running = true
      // After whatever is running now: what is appended meanwhile goes along.
      process.nextTick(() => void this.#run(batch.producer, lane))
    })
  }

  /** As the server has it. */
  mark(producer: string): Promise<number> {
    return new Producer(this.#options.log, producer, this.#options.mostBytes).mark()
  }

  /** Resolves when nothing is waiting. */
  drained(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #laneOf(name: string): Lane {
    let lane = this.#lanes.get(name)
    if (!lane) {
      lane = {
        producer: new Producer(this.#options.log, name, this.#options.mostBytes),
        queue: new Queue(),
        running: false,
      }
      this.#lanes.set(name, lane)
      if (this.#lanes.size > mostProducers) this.#forgetResting()
    }
    return lane
  }

  #forgetResting(): void {
    for (const [name, { running }] of this.#lanes) {
      if (this.#lanes.size <= mostProducers / 2) return
      if (!running) this.#lanes.delete(name)
    }
  }

  async #run(name: string, lane: Lane): Promise<void> {
    for (let run = takeRun(lane.queue); run; run = takeRun(lane.queue)) {
      const batch = merged(run)
      try {
        await this.#store(lane.producer, batch, (run[0] as Waiting).deadline)
        this.#options.onStored(batch.stream)
        for (const { resolve } of run) resolve()
      } catch (error) {
        for (const { reject } of run) reject(error)
      }
      this.#ended(batch.frame.length, run.length)
    }
    lane.running = false
    if (this.#lanes.get(name) !== lane) this.#lanes.delete(name)
  }

  /** Until it is stored, or certainly not, or nobody knows at the deadline. Trying again is harmless: numbers tell. */
  async #store(producer: Producer, batch: Batch, deadline: number): Promise<void> {
    const { terms, clock } = this.#options
    for (;;) {
      this.#link.refuseEnded()
      try {
        await terms.begin()
        return await producer.append(batch)
      } catch (error) {
        this.#link.refuseEnded()
        producer.doubt()
        if (isOutdated(error)) continue
        if (codeOf(error) === 'conflict' || !mayPass(error)) throw explain(error, this.#link.where)
        if (clock.monotonic() + againMs > deadline) throw explain(error, this.#link.where)
      }
      await pause(clock, againMs)
    }
  }

  #ended(size: number, count: number): void {
    this.#queued -= size
    this.#pending -= count
    if (this.#pending > 0) return
    for (const resolve of this.#idle) resolve()
    this.#idle = []
  }
}

function takeRun(queue: Queue<Waiting>): Waiting[] | undefined {
  let last = queue.shift()
  if (!last) return undefined
  const run = [last]
  let size = last.batch.frame.length
  let count = last.batch.count
  for (let next = queue.peek(); next; next = queue.peek()) {
    size += next.batch.frame.length
    count += next.batch.count
    if (size > mergeSize || count > eventsPerMessage || !continues(last.batch, next.batch)) return run
    run.push(next)
    queue.shift()
    last = next
  }
  return run
}
