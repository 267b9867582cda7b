import type { Bus } from '../bus/bus.ts'
import { codeOf, messageOf, SkerryError } from '../errors.ts'
import { dropFromFrame } from '../frame.ts'
import type { Store } from '../store/store.ts'
import type { Watcher } from '../telemetry.ts'
import { type Clock, pause } from '../time.ts'
import { type OutboxFrame, takeOutbox } from './outbox.ts'

export interface RelayOptions {
  readonly bus: Bus
  readonly store: Store
  readonly clock: Clock
  readonly watcher: Watcher
  /** The stream that the service's events go to. */
  readonly stream: string
}

/** Most bytes of text in one append: frames that pile up are sent together. */
const appendLimit = 256 * 1024

/** Most text kept in memory beside the table, and most frames read from the table at once. */
const offerLimit = 2 * 1024 * 1024
const readAtOnce = 8

/**
 * Moves the outbox to the bus, in order, one append at a time. One process does it for each store; a late second one
 * does no harm, since the bus drops numbers that it has. What this process committed itself is sent from memory; what
 * others committed, or a crash left, is read from the table.
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #abort = new AbortController()
  #offered: OutboxFrame[] = []
  #offeredBytes = 0
  #sent = 0
  #active = false
  /** True when the table may hold frames that nobody offered. */
  #look = false
  #running: Promise<void> | undefined
  #listeners: (() => void)[] = []
  #activity: ((active: boolean) => void) | undefined

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** Emitted events up to this number are on the bus. */
  get sent(): number {
    return this.#sent
  }

  get active(): boolean {
    return this.#active
  }

  /** Becomes the store's one relay: finds out how far the bus is, and sends what is left. */
  async activate(): Promise<void> {
    this.#sent = await this.#options.bus.producerMark(this.#options.store.identity)
    this.#active = true
    this.look()
    this.#activity?.(true)
  }

  deactivate(): void {
    this.#active = false
    this.#forgetOffers()
    this.#activity?.(false)
  }

  /** Calls `listener` when this process becomes the one that relays for the store, and when it is no longer. */
  onActivity(listener: (active: boolean) => void): void {
    this.#activity = listener
  }

  #forgetOffers(): void {
    this.#offered = []
    this.#offeredBytes = 0
    this.#look = true
  }

  /** A frame that has just been committed here. */
  offer(frame: OutboxFrame): void {
    if (!this.#active) return
    this.#offered.push(frame)
    this.#offeredBytes += frame.frame.length
    // A bus that does not keep up finds the rest in the table: memory stays bounded whatever the backlog.
    if (this.#offeredBytes > offerLimit) this.#forgetOffers()
    this.#wake()
  }

  /** Frames may have been committed elsewhere. */
  look(): void {
    if (!this.#active) return
    this.#look = true
    this.#wake()
  }

  /** Resolves when all that is known of has been sent, or the relay is stopped. */
  async drained(): Promise<void> {
    while (this.#running && !this.#abort.signal.aborted) await this.#running
  }

  /** Calls `listener` after each append that succeeded. */
  onSent(listener: () => void): void {
    this.#listeners.push(listener)
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  #wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#active && !this.#abort.signal.aborted && (this.#look || this.#offered.length > 0)) this.#wake()
    })
  }

  async #run(): Promise<void> {
    const { clock, watcher, stream } = this.#options
    let waitMs = 20
    while (this.#active && !this.#abort.signal.aborted) {
      try {
        const frames = await this.#next()
        if (frames.length === 0) return
        await this.#append(frames)
        waitMs = 20
      } catch (error) {
        // For good: whoever tried again at once would never let anybody else have a turn.
        if (codeOf(error) === 'closed') return this.#abort.abort()
        this.#forgetOffers()
        watcher({
          kind: 'paused',
          where: `relay of ${stream}`,
          code: codeOf(error),
          message: messageOf(error),
          resumesInMs: waitMs,
        })
        await pause(clock, waitMs, this.#abort.signal)
        waitMs = Math.min(2000, waitMs * 2)
        if (!this.#abort.signal.aborted) this.#sent = await this.#mark()
      }
    }
  }

  async #mark(): Promise<number> {
    try {
      return await this.#options.bus.producerMark(this.#options.store.identity)
    } catch {
      return this.#sent
    }
  }

  /** The frames to send next: from memory while they follow on, from the table otherwise. */
  async #next(): Promise<OutboxFrame[]> {
    while (this.#offered[0] && last(this.#offered[0]) <= this.#sent) this.#shift()
    const first = this.#offered[0]
    if (first && first.first <= this.#sent + 1) return this.#takeOffered()
    if (!first && !this.#look) return []
    this.#look = false
    const frames = await takeOutbox(this.#options.store, this.#sent, readAtOnce)
    if (frames.length > 0) this.#look = true
    else if (first) throw this.#overtaken(first)
    return frames
  }

  /** Another relay sent what lies before, and what was offered, too, maybe: the bus knows. */
  #overtaken({ first }: OutboxFrame): SkerryError {
    const missing = `${this.#sent + 1} to ${first - 1}`
    return new SkerryError('conflict', `numbers ${missing} of ${this.#options.stream} are no longer in the outbox`)
  }

  #takeOffered(): OutboxFrame[] {
    const taken: OutboxFrame[] = []
    let end = this.#sent
    while (this.#offered[0] && this.#offered[0].first <= end + 1) {
      const frame = this.#shift()
      taken.push(frame)
      end = last(frame)
    }
    return taken
  }

  #shift(): OutboxFrame {
    const frame = this.#offered.shift() as OutboxFrame
    this.#offeredBytes -= frame.frame.length
    return frame
  }

  async #append(frames: readonly OutboxFrame[]): Promise<void> {
    for (let at = 0; at < frames.length; ) {
      const start = frames[at] as OutboxFrame
      // Invariant: first ≤ sent + 1, since numbers have no gaps; a part that the bus has is cut off.
      const skip = Math.max(0, this.#sent + 1 - start.first)
      let frame = skip > 0 ? dropFromFrame(start.frame, skip) : start.frame
      let count = start.count - skip
      for (at++; at < frames.length && frame.length + (frames[at] as OutboxFrame).frame.length <= appendLimit; at++) {
        frame += (frames[at] as OutboxFrame).frame
        count += (frames[at] as OutboxFrame).count
      }
      const { bus, store, stream } = this.#options
      await bus.append({ stream, producer: store.identity, after: this.#sent, first: start.first + skip, count, frame })
      this.#sent = start.first + skip + count - 1
      for (const listener of this.#listeners) listener()
    }
  }
}

const last = (frame: OutboxFrame): number => frame.first + frame.count - 1
