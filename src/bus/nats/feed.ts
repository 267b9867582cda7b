import { createInbox, type Msg, nanos, type Subscription } from '@nats-io/transport-node'
import type { Delivery, Position } from '../../event.ts'
import { decodeFrame } from '../../frame.ts'
import type { Clock, Timer } from '../../time.ts'
import type { Credit } from '../bus.ts'
import type { Log } from './log.ts'
import { eventsPerMessage, positionOf, read, sequenceOf } from './message.ts'
import { streamFilter } from './names.ts'
import { delivered, ephemeral, isStatus, pull } from './scan.ts'

/** Bytes that are fetched ahead of the reader; a message more than that may be on its way. */
const aheadBytes = 1024 * 1024
/** Bytes kept behind the reader, for others that read the same a moment later. */
const behindBytes = 256 * 1024
const mostMessages = 1000
const pullMs = 30_000
const beatMs = 5000
/** A server that says nothing for so long has lost the question. */
const silenceMs = 12_000

interface Held {
  readonly sequence: number
  readonly count: number
  readonly bytes: number
  /** Text until somebody asks for the events. */
  data: Uint8Array | undefined
  events: readonly Delivery[] | undefined
}

export interface FeedOptions {
  readonly log: Log
  readonly clock: Clock
  readonly stream: string
  readonly start: number
  /** Something arrived. */
  readonly onArrival: () => void
}

/**
 * A stream as a consumer of the server sends it, from one place on: what is fetched ahead waits here, and what was just
 * read stays a little. Knows everything of its stream from `start` up to, and without, `end`.
 */
export class Feed {
  readonly #options: FeedOptions
  #held: Held[] = []
  #heldBytes = 0
  #aheadBytes = 0
  #start: number
  #end: number
  /** Up to where readers were: everything before is behind. */
  #read: number
  /** Below this everything was held when the tip was asked for: it may be given out. */
  #certified: number
  #consumer: { stream: string; name: string; subscription: Subscription; numbers: number } | undefined
  #pulling = false
  /** Messages that the pull under way may still bring. */
  #left = 0
  #heard = 0
  #watchdog: Timer | undefined
  #opening: Promise<void> | undefined
  #arrived = Promise.withResolvers<void>()
  #closed = false
  /** What the server had for us beyond what it sent, when it last said. */
  pending = 0
  lastUse: number

  constructor(options: FeedOptions) {
    this.#options = options
    this.#start = options.start
    this.#end = options.start
    this.#read = options.start
    this.#certified = options.start
    this.lastUse = options.clock.monotonic()
  }

  get end(): number {
    return this.#end
  }

  /** True at the end of the log: what is appended arrives by itself. */
  get live(): boolean {
    return this.#pulling && this.pending === 0
  }

  covers(sequence: number): boolean {
    return this.#start <= sequence && sequence <= this.#end
  }

  /** What came below `end` came before the tip was asked for. */
  certify(end: number): void {
    this.#certified = Math.max(this.#certified, end)
  }

  /** Nothing of the stream lies below `sequence` but what came. */
  advance(sequence: number): void {
    if (sequence > this.#end) this.#end = sequence
    this.#certified = Math.max(this.#certified, sequence)
  }

  /** Events from `from` on that are certified, and where to read on; undefined when nothing from there on is. */
  take(from: Position, credit: Credit): { events: Delivery[]; next: Position } | undefined {
    this.lastUse = this.#options.clock.monotonic()
    const events: Delivery[] = []
    let next = from
    let bytes = 0
    for (let at = this.#find(from); at < this.#held.length; at++) {
      const held = this.#held[at] as Held
      if (held.sequence >= this.#certified) break
      const each = held.bytes / Math.max(1, held.count)
      for (const event of this.#eventsOf(held)) {
        if (event.position < from) continue
        bytes += each
        if (events.length > 0 && (events.length >= credit.events || bytes > credit.bytes)) {
          this.#passed(sequenceOf(next))
          return { events, next }
        }
        events.push(event)
        next = event.position + 1
      }
      next = positionOf(held.sequence + 1)
    }
    next = Math.max(next, positionOf(this.#certified))
    if (next === from) return undefined
    this.#passed(sequenceOf(next))
    return { events, next }
  }

  /** Resolves when anything arrives, or the consumer is made anew. */
  arrival(): Promise<void> {
    return this.#arrived.promise
  }

  /** Makes the consumer, when there is none. */
  open(): Promise<void> {
    if (this.#consumer || this.#closed) return Promise.resolve()
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /** The consumer is lost: another one goes on where this one was. */
  reset(): void {
    this.#drop()
    this.#wake()
    if (!this.#closed) this.open().catch(() => {})
  }

  close(): void {
    this.#closed = true
    const consumer = this.#consumer
    this.#drop()
    this.#wake()
    const { jsm, link } = this.#options.log
    if (consumer && !link.away) jsm.consumers.delete(consumer.stream, consumer.name).catch(() => {})
  }

  async #open(): Promise<void> {
    const { log, stream } = this.#options
    const filter = streamFilter(log.names, stream)
    const info = await log.link.ask(() => log.jsm.consumers.add(log.names.log, ephemeral(filter, this.#end)))
    if (this.#closed) return void log.jsm.consumers.delete(info.stream_name, info.name).catch(() => {})
    const subscription = log.link.connection.subscribe(createInbox(), {
      callback: (_error, message) => this.#receive(message),
    })
    this.#consumer = { stream: info.stream_name, name: info.name, subscription, numbers: 0 }
    this.pending = info.num_pending
    this.#pull()
  }

  #drop(): void {
    this.#consumer?.subscription.unsubscribe()
    this.#consumer = undefined
    this.#pulling = false
    this.#watchdog?.cancel()
  }

  #receive(message: Msg): void {
    this.#heard = this.#options.clock.monotonic()
    if (isStatus(message)) this.#status(message)
    else if (this.#consumer) {
      // A number that is missing was lost on the way: begin again after what came.
      if (delivered(message).number === ++this.#consumer.numbers) this.#keep(message)
      else this.reset()
    }
  }

  #keep(message: Msg): void {
    const { sequence, pending } = delivered(message)
    const { count } = read(message.headers)
    const bytes = message.data.length
    this.pending = pending
    this.#end = Math.max(this.#end, sequence + 1)
    this.#held.push({ sequence, count, bytes, data: message.data, events: undefined })
    this.#heldBytes += bytes
    this.#aheadBytes += bytes
    if (--this.#left === 0) {
      this.#pulling = false
      this.#pull()
    }
    this.#wake()
    this.#options.onArrival()
  }

  #status(message: Msg): void {
    const code = message.headers?.code
    if (code === 100) return
    this.#pulling = false
    // 408 and 409 end a pull: its time or its size is used up, or, otherwise, the consumer has gone.
    const used =
      code === 408 || (code === 409 && /max.?bytes|batch completed/i.test(message.headers?.description ?? ''))
    if (used) this.#pull()
    else this.reset()
  }

  #pull(): void {
    const consumer = this.#consumer
    if (!consumer || this.#pulling || this.#aheadBytes >= aheadBytes) return
    const { log, clock } = this.#options
    this.#pulling = true
    this.#left = mostMessages
    this.#heard = clock.monotonic()
    const most = Math.max(aheadBytes, (log.link.connection.info?.max_payload ?? 0) * 2)
    pull(log.link, consumer, consumer.subscription.getSubject(), {
      batch: mostMessages,
      max_bytes: most,
      expires: nanos(pullMs),
      idle_heartbeat: nanos(beatMs),
    })
    this.#watch()
  }

  #watch(): void {
    this.#watchdog?.cancel()
    const { clock } = this.#options
    this.#watchdog = clock.after(
      silenceMs,
      () => {
        if (!this.#pulling) return
        if (clock.monotonic() - this.#heard >= silenceMs) this.reset()
        else this.#watch()
      },
      { background: true },
    )
  }

  #passed(sequence: number): void {
    if (sequence > this.#read) {
      for (let at = this.#find(positionOf(this.#read)); at < this.#held.length; at++) {
        const held = this.#held[at] as Held
        if (held.sequence >= sequence) break
        this.#aheadBytes -= held.bytes
      }
      this.#read = sequence
      this.#trim()
    }
    this.#pull()
  }

  #trim(): void {
    let gone = 0
    let behind = this.#heldBytes - this.#aheadBytes
    for (const held of this.#held) {
      if (held.sequence >= this.#read || behind <= behindBytes) break
      behind -= held.bytes
      this.#heldBytes -= held.bytes
      this.#start = held.sequence + 1
      gone++
    }
    if (gone > 0) this.#held.splice(0, gone)
  }

  /** Index of the first message that may hold an event at or after a position. */
  #find(from: Position): number {
    let low = 0
    let high = this.#held.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (((this.#held[middle] as Held).sequence + 1) * eventsPerMessage <= from) low = middle + 1
      else high = middle
    }
    return low
  }

  #eventsOf(held: Held): readonly Delivery[] {
    held.events ??= deliveriesOf(this.#options.stream, held.sequence, held.count, held.data ?? new Uint8Array())
    held.data = undefined
    return held.events
  }

  #wake(): void {
    const { resolve } = this.#arrived
    this.#arrived = Promise.withResolvers<void>()
    resolve()
  }
}

const decoder = new TextDecoder()

/** The events of one message. Of one that only carries a mark: none. */
export function deliveriesOf(stream: string, sequence: number, count: number, data: Uint8Array): Delivery[] {
  if (count === 0) return []
  return decodeFrame(decoder.decode(data)).map((record, index) => ({
    stream,
    position: positionOf(sequence, index),
    record,
  }))
}
