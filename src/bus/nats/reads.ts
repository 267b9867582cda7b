import { SkerryError } from '../../errors.ts'
import type { Delivery, Position } from '../../event.ts'
import { type Clock, inTime } from '../../time.ts'
import type { Chunk, Credit } from '../bus.ts'
import { deliveriesOf, Feed } from './feed.ts'
import type { Log, Tip } from './log.ts'
import { positionOf, read as readLabel, sequenceOf } from './message.ts'
import { ownersOf } from './names.ts'
import type { Terms } from './terms.ts'

/** Feeds in one process; beyond that the one that rested longest is closed. */
const mostFeeds = 32
const restMs = 30_000
/** Bounds one read, however large the credit: the thread has other things to do. */
const longestRead = 512 * 1024
/** What was there and does not come within this time is asked for anew. */
const lateMs = 3000

export interface ReadsOptions {
  readonly log: Log
  readonly terms: Terms
  readonly clock: Clock
  readonly timeoutMs: number
  readonly onArrival: (stream: string) => void
}

/** Reads by position, from what consumers fetch ahead: see `Feed`. */
export class Reads {
  readonly #options: ReadsOptions
  readonly #feeds = new Map<string, Feed[]>()
  readonly #stopListening: () => void
  #closed = false

  constructor(options: ReadsOptions) {
    this.#options = options
    // Consumers of ours live in the memory of one server: a connection that is back finds none.
    this.#stopListening = options.log.link.onBack(() => this.#each((feed) => feed.reset()))
  }

  async read(stream: string, from: Position, given: Credit): Promise<Chunk> {
    const { log, terms, clock, timeoutMs } = this.#options
    const credit = { events: given.events, bytes: Math.min(given.bytes, longestRead) }
    const deadline = clock.monotonic() + timeoutMs
    let at = from
    for (;;) {
      log.link.refuseEnded()
      this.#refuseLost(stream, at)
      const feed = this.#feedFor(stream, sequenceOf(at))
      const ready = feed.take(at, credit)
      if (ready && ready.events.length > 0) return { ...ready, term: await terms.newest(log.latest) }
      if (ready) at = ready.next
      else {
        const end = await this.#lookOn(feed, stream, at, deadline)
        if (end) return { events: [], next: Math.max(at, positionOf(end.last + 1)), term: await terms.newest(end) }
      }
    }
  }

  async readOne(stream: string, position: Position): Promise<Delivery | undefined> {
    const { log } = this.#options
    const sequence = sequenceOf(position)
    if (sequence < 1) return undefined
    for (const feed of this.#feeds.get(stream) ?? []) {
      if (!feed.covers(sequence)) continue
      const [event] = feed.take(position, { events: 1, bytes: 0 })?.events ?? []
      if (event?.position === position) return event
    }
    const message = await log.at(sequence)
    if (!message || ownersOf(message.subject)?.stream !== stream) return undefined
    const { count } = readLabel(message.header)
    return deliveriesOf(stream, sequence, count, message.data)[position - positionOf(sequence)]
  }

  /** True while appends to the stream are noticed as they arrive. */
  live(stream: string): boolean {
    return this.#feeds.get(stream)?.some((feed) => feed.live) ?? false
  }

  close(): void {
    this.#closed = true
    this.#stopListening()
    this.#each((feed) => feed.close())
    this.#feeds.clear()
  }

  /**
   * Nothing that may be given out: asks where the log is now, which tells of what has come that it may. Resolves with
   * the log's end when nothing of the stream is left; with undefined when it is worth looking again.
   */
  async #lookOn(feed: Feed, stream: string, from: Position, deadline: number): Promise<Tip | undefined> {
    const { log, clock } = this.#options
    const { end } = feed
    const tip = await log.tip()
    this.#refuseLost(stream, from)
    // A consumer may be ahead of the leader that was asked.
    feed.certify(Math.min(end, tip.last + 1))
    if (feed.end > Math.max(end, sequenceOf(from)) || end > sequenceOf(from)) return undefined
    const arrival = feed.arrival()
    await feed.open()
    if (feed.pending === 0) {
      const next = await log.nextOf(stream, feed.end)
      if (!next) {
        feed.advance(tip.last + 1)
        return tip
      }
    }
    // What is left has to come from the consumer.
    if (feed.end === end && !(await inTime(clock, lateMs, arrival))) feed.reset()
    if (clock.monotonic() > deadline)
      throw new SkerryError('unavailable', `${log.link.where}: does not send what stream ${stream} holds`)
    return undefined
  }

  #refuseLost(stream: string, from: Position): void {
    const { log } = this.#options
    const { first } = log.latest
    if (first <= 1 || sequenceOf(from) >= first) return
    throw new SkerryError(
      'position_lost',
      `${log.link.where}: retention has passed position ${from} of stream ${stream} (it keeps ${positionOf(first)} and up); ` +
        'a registered subscription is never passed: register before reading',
    )
  }

  /** The feed that is furthest on of those that know the place, or a new one. */
  #feedFor(stream: string, sequence: number): Feed {
    const own = this.#feeds.get(stream) ?? []
    const known = own.filter((feed) => feed.covers(sequence)).sort((a, b) => b.end - a.end)[0]
    if (known) return known
    this.#makeRoom()
    const { log, clock, onArrival } = this.#options
    const feed = new Feed({ log, clock, stream, start: sequence, onArrival: () => onArrival(stream) })
    this.#feeds.set(stream, [...(this.#feeds.get(stream) ?? []), feed])
    return feed
  }

  /** Closes feeds that nobody reads from; the last one of a stream stays, since it tells of what is new. */
  #makeRoom(): void {
    const { clock } = this.#options
    const all = [...this.#feeds.values()].flat().sort((a, b) => a.lastUse - b.lastUse)
    const now = clock.monotonic()
    for (const feed of all) {
      const rests = now - feed.lastUse > restMs && !feed.live
      if (rests || all.length - mostFeeds >= all.indexOf(feed) + 1) this.#close(feed)
    }
  }

  #close(gone: Feed): void {
    gone.close()
    for (const [stream, feeds] of this.#feeds) {
      const left = feeds.filter((feed) => feed !== gone)
      if (left.length > 0) this.#feeds.set(stream, left)
      else this.#feeds.delete(stream)
    }
  }

  #each(work: (feed: Feed) => void): void {
    if (!this.#closed) for (const feeds of this.#feeds.values()) for (const feed of feeds) work(feed)
  }
}
