import type { StreamStatus } from '../bus.ts'
import { isOutdated } from './failures.ts'
import type { Log, Tip } from './log.ts'
import { positionOf, read } from './message.ts'
import { ownersOf, tallySubject } from './names.ts'
import type { Scanned } from './scan.ts'

export interface Amount {
  readonly events: number
  readonly bytes: number
}

/** What was counted in the log from its beginning up to and including a sequence, by stream. */
interface Count {
  readonly upTo: number
  readonly streams: Readonly<Record<string, Amount & { readonly last: number }>>
}

/** Both only grow: what is there is the difference. The server counts messages, and not by stream. */
export interface Tally {
  readonly written: Count
  readonly dropped: Count
}

const nothing: Count = { upTo: 0, streams: {} }
/** Messages that a status may count before it writes down what came out. */
const savedAfter = 2000

/** A message as it counts: what it holds, whose it is, when it was stored. */
export interface Counted extends Amount {
  readonly sequence: number
  readonly subject: string
  readonly stream: string
  readonly at: number
}

/** Reads a header-only message; undefined for one that holds no events. */
export function counted({ message, sequence, subject, at }: Scanned): Counted | undefined {
  const stream = ownersOf(subject)?.stream
  if (stream === undefined) return undefined
  const { count } = read(message.headers)
  return { sequence, subject, stream, at, events: count, bytes: Number(message.headers?.get('Nats-Msg-Size') ?? 0) }
}

export function addTo(count: Count, message: Counted): Count {
  const { stream, events, bytes, sequence } = message
  const before = count.streams[stream] ?? { events: 0, bytes: 0, last: 0 }
  const last = positionOf(sequence, Math.max(0, events - 1))
  const streams = count.streams as Record<string, Amount & { last: number }>
  streams[stream] = {
    events: before.events + events,
    bytes: before.bytes + bytes,
    last: events > 0 ? last : before.last,
  }
  return { upTo: sequence, streams }
}

export const copyOf = (count: Count): Count => ({ ...count, streams: { ...count.streams } })

/** How much of a tally is in the log, all streams together. */
export function bytesLeft({ written, dropped }: Tally): number {
  const sum = ({ streams }: Count): number => Object.values(streams).reduce((total, { bytes }) => total + bytes, 0)
  return sum(written) - sum(dropped)
}

/** Counts the log once and keeps what came out in the registry, so that only what is new is counted again. */
export class Tallies {
  readonly #log: Log
  #known: Tally = { written: nothing, dropped: nothing }
  #sequence = 0

  constructor(log: Log) {
    this.#log = log
  }

  /** Counts up to the log's end. */
  async upTo(tip: Tip): Promise<Tally> {
    await this.#load()
    const from = this.#known.written.upTo + 1
    let written = copyOf(this.#known.written)
    await this.#log.scan(
      'log',
      this.#log.names.events,
      Math.max(from, tip.first),
      (message) => {
        const found = counted(message)
        if (found) written = addTo(written, found)
        return message.sequence < tip.last
      },
      { headersOnly: true },
    )
    this.#known = { ...this.#known, written: { ...written, upTo: Math.max(written.upTo, tip.last) } }
    if (this.#known.written.upTo - from >= savedAfter) await this.save(this.#known)
    return this.#known
  }

  /** False when another process has saved one meanwhile: then what was found counts for nothing. */
  async save(tally: Tally): Promise<boolean> {
    try {
      this.#sequence = await this.#log.put(tallySubject(this.#log.names), JSON.stringify(tally), this.#sequence)
      this.#known = tally
      return true
    } catch (error) {
      if (!isOutdated(error)) throw error
      this.#sequence = 0
      return false
    }
  }

  async streams(tip: Tip): Promise<StreamStatus[]> {
    const { written, dropped } = await this.upTo(tip)
    const names = Object.keys(written.streams).sort()
    return Promise.all(
      names.map(async (stream): Promise<StreamStatus> => {
        const all = written.streams[stream] as Amount & { last: number }
        const gone = dropped.streams[stream]
        const first = await this.#log.nextOf(stream, tip.first)
        const next = all.last + 1
        return {
          stream,
          events: all.events - (gone?.events ?? 0),
          bytes: all.bytes - (gone?.bytes ?? 0),
          first: first ? Math.min(positionOf(first.seq), next) : next,
          next,
        }
      }),
    )
  }

  async #load(): Promise<void> {
    const message = await this.#log.last(tallySubject(this.#log.names), 'registry')
    if (!message || message.seq === this.#sequence) return
    this.#sequence = message.seq
    this.#known = message.json<Tally>()
  }
}
