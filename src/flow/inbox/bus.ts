import type {
  Bus,
  BusStatus,
  Capabilities,
  Chunk,
  Consuming,
  Credit,
  Group,
  Lineage,
  Parcel,
  Registered,
  Registration,
  Sink,
  Stop,
} from '../../bus/bus.ts'
import { codeOf, messageOf, SkerryError } from '../../errors.ts'
import type { Delivery, Position } from '../../event.ts'
import type { ReadTx, Store } from '../../store/store.ts'
import type { Watcher } from '../../telemetry.ts'
import { type Clock, pause, type Timer } from '../../time.ts'
import { isLater } from '../lineage.ts'
import { nextOutboxNumber } from '../outbox.ts'
import { clearInbox, forgetProducers } from './clear.ts'
import { inboxStreams, readInbox, readInboxOne } from './read.ts'
import { defaultBounds, type InboxBounds, inboxRoom } from './room.ts'
import { arrivedNumber, inboxHead, readMark, sourcePlaces, takeIn } from './take.ts'

export interface InboxOptions {
  /** An engine that has `deliver`. */
  readonly engine: Bus
  readonly store: Store
  /** Name of the service, for people. */
  readonly service: string
  readonly clock: Clock
  readonly watcher: Watcher
  readonly bounds?: InboxBounds
}

/** A producer's events in a stream that are known to be published. */
export interface Published {
  readonly stream: string
  readonly producer: string
  /** The highest number. */
  readonly number: number
}

/** How often other processes' writes to the inbox are looked for, and how often one that is full is looked at again, in milliseconds. */
const lookMs = 20

/**
 * The bus as one store sees it, on an engine that hands events out: what is delivered is written into the store's own inbox
 * before the engine is told, and read from there by position. So order under retries, delays, dead letters and all else
 * that needs a log works as on engines that keep one. Writing goes to the engine.
 */
export class InboxBus implements Bus {
  readonly engine: string
  readonly capabilities: Capabilities
  readonly group?: (group: string, member: string) => Group
  readonly #options: InboxOptions
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #abort = new AbortController()
  /** The highest confirmed number of each own producer, by stream. */
  readonly #sent = new Map<string, Published>()
  /** What was published before this store was known to the engine, and need not come. */
  #before: readonly Published[] = []
  #room: Credit = { events: 0, bytes: 0 }
  #consuming: Consuming | undefined
  #head = 0
  #version = -1
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #clearing: Promise<void> | undefined
  #interrupted = false

  constructor(options: InboxOptions) {
    this.#options = options
    this.engine = options.engine.engine
    this.capabilities = options.engine.capabilities
    if (options.engine.group) this.group = options.engine.group.bind(options.engine)
  }

  /** Begins to take in what the streams publish; `before` is what was published already. */
  async begin(streams: Readonly<Record<string, 'start' | 'now'>>, before: readonly Published[] = []): Promise<void> {
    const { engine, store, service, clock } = this.#options
    this.#before = before
    await store.write((tx) => forgetProducers(tx, clock.wall()), 'bookkeeping')
    const sink: Sink = {
      take: (parcels) => this.#take(parcels),
      places: (sources) => store.read((tx) => sourcePlaces(tx, sources)),
      interrupted: (error, retryInMs) => this.#interruption(error, retryInMs),
      resumed: () => this.#resumption(),
    }
    this.#consuming = await engine.deliver?.({ store: store.identity, service, streams }, sink)
    this.#arm()
  }

  async append(batch: Parameters<Bus['append']>[0]): Promise<void> {
    await this.#options.engine.append(batch)
    const { stream, producer } = batch
    this.#sent.set(`${producer}\n${stream}`, { stream, producer, number: batch.first + batch.count - 1 })
  }

  /** What was confirmed here. */
  get published(): readonly Published[] {
    return [...this.#sent.values()]
  }

  /** Of the store itself, what left its outbox; of others, what has arrived here. */
  async producerMark(producer: string): Promise<number> {
    const { store } = this.#options
    this.#mustBeOpen()
    if (producer !== store.identity) return store.read((tx) => arrivedNumber(tx, producer))
    const confirmed = this.published.filter((one) => one.producer === producer).map((one) => one.number)
    return Math.max(await store.read(unsentFrom), ...confirmed)
  }

  async lineage(): Promise<Lineage> {
    const { engine, store } = this.#options
    const { bus, incarnations } = await engine.lineage()
    const { head, known } = await store.read(async (tx) => ({ head: await inboxHead(tx), known: await knownTerm(tx) }))
    // Positions are the store's own: no writer of the engine's overwrites them.
    const start = Number.MAX_SAFE_INTEGER
    const terms = incarnations.map(({ token }) => ({ token, start }))
    // An engine remembers its latest terms only; one that is older than those cannot be checked.
    const oldest = terms[0]
    if (!oldest) return { bus, incarnations: [{ token: '', start }], head }
    const forgotten = known !== undefined && !isLater(known, oldest.token) && known !== oldest.token
    return { bus, incarnations: forgotten ? [{ token: known, start }, ...terms] : terms, head }
  }

  head(): Promise<Position> {
    return this.#read(inboxHead)
  }

  read(stream: string, from: Position, credit: Credit): Promise<Chunk> {
    return this.#read((tx) => readInbox(tx, stream, from, credit))
  }

  readOne(stream: string, position: Position): Promise<Delivery | undefined> {
    return this.#read((tx) => readInboxOne(tx, stream, position))
  }

  watch(stream: string, listener: () => void): Stop {
    const listeners = this.#watchers.get(stream) ?? new Set()
    this.#watchers.set(stream, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  register(reader: Registration): Promise<Registered> {
    return this.#options.engine.register(reader)
  }

  acknowledge(subscription: string, marks: Readonly<Record<string, Position>>): void {
    this.#options.engine.acknowledge(subscription, marks)
    if (!this.#abort.signal.aborted) this.#clearing ??= this.#clear().finally(() => (this.#clearing = undefined))
  }

  forget(subscription: string): Promise<void> {
    return this.#options.engine.forget(subscription)
  }

  async status(): Promise<BusStatus> {
    const { engine } = this.#options
    const { head, streams } = await this.#read(async (tx) => ({
      head: await inboxHead(tx),
      streams: await inboxStreams(tx),
    }))
    const bytes = streams.reduce((sum, stream) => sum + stream.bytes, 0)
    const status = await engine.status()
    return { ...status, head, streams, diskBytes: Math.max(status.diskBytes, bytes) }
  }

  /**
   * True when all that is known to be published has arrived: what this process had confirmed, what `published` names, and
   * whatever the engine says it still has.
   */
  async arrived(published: readonly Published[] = []): Promise<boolean> {
    const { store } = this.#options
    this.#mustBeOpen()
    if ((await this.#consuming?.behind()) !== 0) return false
    return store.read(async (tx) => {
      const streams = new Set(
        (await tx.all<{ stream: string }>('select stream from skerry_inbox_stream')).map((r) => r.stream),
      )
      for (const { stream, producer, number } of [...this.published, ...published]) {
        if (!streams.has(stream) || number <= this.#notAwaited(stream, producer)) continue
        if (((await readMark(tx, stream, producer))?.number ?? 0) < number) return false
      }
      return true
    })
  }

  /** Ends taking in; the engine and the store are closed by those who opened them. */
  async close(): Promise<void> {
    this.#abort.abort()
    this.#timer?.cancel()
    await this.#consuming?.stop()
    await this.#looking
    await this.#clearing
  }

  #notAwaited(stream: string, producer: string): number {
    return this.#before.find((one) => one.stream === stream && one.producer === producer)?.number ?? 0
  }

  async #take(parcels: readonly Parcel[]): Promise<void> {
    const { store, clock, watcher } = this.#options
    await this.#waitForRoom(parcels)
    for (;;) {
      this.#mustBeOpen()
      try {
        const { streams, missing } = await store.write((tx) => takeIn(tx, parcels, clock.wall()), 'bookkeeping')
        for (const one of missing) watcher({ kind: 'missing', ...one })
        if (streams.size > 0) this.#wake()
        return
      } catch (error) {
        // The store asks for the whole transaction again: another process wrote to the inbox, too.
        if (codeOf(error) !== 'conflict') throw error
        await pause(clock, lookMs, this.#abort.signal)
      }
    }
  }

  /** The engine keeps what there is no room for. */
  async #waitForRoom(parcels: readonly Parcel[]): Promise<void> {
    const { store, clock, bounds = defaultBounds } = this.#options
    while (this.#room.events <= 0 || this.#room.bytes <= 0) {
      this.#mustBeOpen()
      this.#room = await store.read((tx) => inboxRoom(tx, bounds))
      if (this.#room.events <= 0 || this.#room.bytes <= 0) await pause(clock, lookMs, this.#abort.signal)
    }
    let { events, bytes } = this.#room
    for (const parcel of parcels) {
      events -= parcel.numbers.length
      bytes -= parcel.frame.length
    }
    this.#room = { events, bytes }
  }

  /** Whatever other processes of the store took in is noticed here, without a message from them. */
  #arm(): void {
    if (this.#abort.signal.aborted) return
    const look = (): void => {
      this.#looking = this.#look().finally(() => this.#arm())
    }
    this.#timer = this.#options.clock.after(lookMs, look, { background: true })
  }

  async #look(): Promise<void> {
    const { store } = this.#options
    try {
      const version = await store.version()
      if (version === this.#version) return
      const head = await store.read(inboxHead)
      this.#version = version
      if (head === this.#head) return
      this.#head = head
      this.#wake()
    } catch {
      // The store is in trouble, which its processor finds out by itself; the next look may succeed.
    }
  }

  /** Positions count across streams: whoever reads a quiet one has to move on with the others. */
  #wake(): void {
    for (const listeners of this.#watchers.values()) for (const listener of listeners) listener()
  }

  async #clear(): Promise<void> {
    const { store } = this.#options
    try {
      while (!this.#abort.signal.aborted && (await store.write(clearInbox, 'bookkeeping')));
    } catch {
      // Tidying only: it is done again after the next acknowledgement.
    }
  }

  #interruption(error: unknown, retryInMs: number): void {
    const { watcher } = this.#options
    this.#interrupted = true
    watcher({
      kind: 'paused',
      where: this.#where,
      code: codeOf(error),
      message: messageOf(error),
      resumesInMs: retryInMs,
    })
  }

  #resumption(): void {
    if (this.#interrupted) this.#options.watcher({ kind: 'resumed', where: this.#where })
    this.#interrupted = false
  }

  get #where(): string {
    return `inbox of ${this.#options.service}`
  }

  async #read<T>(work: (tx: ReadTx) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    return this.#options.store.read(work)
  }

  #mustBeOpen(): void {
    if (this.#abort.signal.aborted) throw new SkerryError('closed', `the inbox of ${this.#options.service} is closed`)
  }
}

/** Everything emitted that is not in the outbox any more has been confirmed by the engine. */
async function unsentFrom(tx: ReadTx): Promise<number> {
  const [oldest] = await tx.all<{ first: number }>('select first from skerry_outbox order by first limit 1')
  return (oldest ? oldest.first : await nextOutboxNumber(tx)) - 1
}

async function knownTerm(tx: ReadTx): Promise<string | undefined> {
  const [row] = await tx.all<{ value: string }>("select value from skerry_meta where name = 'incarnation'")
  return row?.value
}
