import type {
  Batch,
  Bus,
  BusStatus,
  Capabilities,
  Consumer,
  Consuming,
  Lineage,
  Parcel,
  Registered,
  Sink,
} from '../../bus/bus.ts'
import { SkerryError } from '../../errors.ts'
import type { EventRecord } from '../../event.ts'
import { encodeFrame } from '../../frame.ts'
import { pause, systemClock } from '../../time.ts'
import type { InboxBus, Published } from './bus.ts'

const none = (what: string) => (): never => {
  throw new SkerryError('capability_absent', `memory has no ${what}`)
}

/** A queue of one store, as brokers keep them: handed out at least once, in order, to one consumer at a time. */
class Queue {
  readonly parcels: Parcel[] = []
  readonly streams: Set<string>
  /** Of the parcels at the front, how many have been handed out. */
  out = 0

  constructor(streams: Iterable<string>) {
    this.streams = new Set(streams)
  }
}

/** An engine in memory that hands events out, with the faults of a real one at a test's call. */
export class MemoryEngine implements Bus {
  readonly engine = 'memory'
  readonly capabilities: Capabilities = {
    ...{ keyOrder: 'emulated', delay: 'emulated', replay: 'absent', fencing: 'emulated', deduplication: 'emulated' },
    ...{ fromStart: 'absent', deduplicationHorizonMs: Number.POSITIVE_INFINITY, durability: 'engine' },
  }
  readonly queues = new Map<string, Queue>()
  /** Acknowledged marks, by subscription. */
  readonly marks = new Map<string, Record<string, number>>()
  /** Every so many takes the acknowledgement is lost, and all is handed out again. */
  loseEvery = Number.POSITIVE_INFINITY
  #takes = 0

  async append({ stream, producer, after, first, count, frame }: Batch): Promise<void> {
    const numbers = Array.from({ length: count }, (_, i) => first + i)
    for (const [source, queue] of this.queues)
      if (queue.streams.has(stream)) queue.parcels.push({ stream, source, producer, after, numbers, frame })
  }

  async deliver({ store, streams }: Consumer, sink: Sink): Promise<Consuming> {
    const queue = this.queues.get(store) ?? new Queue(Object.keys(streams))
    for (const stream of Object.keys(streams)) queue.streams.add(stream)
    this.queues.set(store, queue)
    const abort = new AbortController()
    const running = this.#feed(queue, sink, abort.signal)
    return {
      behind: async () => queue.parcels.length,
      stop: async () => {
        abort.abort()
        await running
      },
    }
  }

  async #feed(queue: Queue, sink: Sink, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const parcels = queue.parcels.slice(0, 7)
      queue.out = parcels.length
      if (parcels.length === 0) await pause(systemClock, 1, stop)
      else
        try {
          await sink.take(parcels)
          if (++this.#takes % this.loseEvery !== 0) queue.parcels.splice(0, parcels.length)
        } catch {
          await pause(systemClock, 1, stop)
        }
      queue.out = 0
    }
  }

  async lineage(): Promise<Lineage> {
    return { bus: 'memory', incarnations: [], head: 0 }
  }

  async register(reader: { subscription: string }): Promise<Registered> {
    return { marks: this.marks.get(reader.subscription) }
  }

  acknowledge(subscription: string, marks: Record<string, number>): void {
    this.marks.set(subscription, { ...this.marks.get(subscription), ...marks })
  }

  async status(): Promise<BusStatus> {
    const nothing = { head: 0, streams: [], readers: [], writer: undefined, diskBytes: 0 }
    return { bus: 'memory', engine: 'memory', ...nothing, diskLimitBytes: Number.POSITIVE_INFINITY, clockJumps: 0 }
  }

  producerMark = async (): Promise<number> => 0
  forget = async (): Promise<void> => {}
  close = async (): Promise<void> => {}
  head = none('log')
  read = none('log')
  readOne = none('log')
  watch = none('log')
}

export function recordOf(id: string, key: string): EventRecord {
  const times = { time: 1_750_000_000_000, due: 0, expires: 0 }
  return { id, type: 'happened', version: 1, key, ...times, attributes: undefined, data: '{}' }
}

/** Events of a producer, each with its key, as one batch. */
export function batchOf(stream: string, producer: string, first: number, keys: readonly string[]): Batch {
  const frame = encodeFrame(keys.map((key, i) => recordOf(`${producer}-${first + i}`, key)))
  return { stream, producer, after: first - 1, first, count: keys.length, frame }
}

/** An inbox in which all that was accepted has arrived whenever it is asked: for tests that publish and then look. */
export function arriving(inbox: InboxBus, accepted: () => readonly Published[]): Bus {
  const asked = new Set<string | symbol>(['read', 'readOne', 'head', 'lineage', 'status', 'producerMark'])
  const arrived = shared(async () => {
    while (!(await inbox.arrived(accepted()))) await pause(systemClock, 5)
  })
  return new Proxy<Bus>(inbox, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...given: unknown[]) => unknown
      return asked.has(name) ? (...given: unknown[]) => arrived().then(() => method(...given)) : method
    },
  })
}

/** One run serves all who ask before it begins: those who ask while one is under way get the next. */
function shared(work: () => Promise<void>): () => Promise<void> {
  let next: Promise<void> | undefined
  let last: Promise<void> = Promise.resolve()
  return () => {
    next ??= last.then(() => {
      next = undefined
      return work()
    })
    last = next.catch(() => {})
    return next
  }
}
