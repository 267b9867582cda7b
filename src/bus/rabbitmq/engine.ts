import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import { type Clock, inTime } from '../../time.ts'
import type {
  Batch,
  Bus,
  BusStatus,
  Capabilities,
  Chunk,
  Consumer,
  Consuming,
  Lineage,
  ReaderStatus,
  Registered,
  Registration,
  Sink,
  Stop,
} from '../bus.ts'
import { misnumbered } from '../waiting.ts'
import { QueueConsuming } from './consuming.ts'
import { closed, type Link } from './link.ts'
import type { Names } from './names.ts'
import { Publishing } from './publishing.ts'
import { Registry } from './registry.ts'

export interface EngineParts {
  /** Apart, since a server that takes no publishes reads nothing from such a connection, acknowledgements included. */
  readonly publisher: Link
  readonly consumer: Link
  readonly names: Names
  readonly clock: Clock
  readonly timeoutMs: number
  readonly maxBytes: number | undefined
}

/** What is known of the whole bus. */
interface BusFact {
  readonly bus: string
  /** The latest starts of consumers, oldest first: a counting number, a dot, something random. */
  readonly terms: readonly string[]
  /** The store of each registered subscription. */
  readonly readers: Readonly<Record<string, string>>
}

interface ReaderFact {
  readonly store: string
  readonly marks: Readonly<Record<string, number>>
}

/** Starts that are remembered; of one before them nobody can say whether it was on this bus. */
const rememberedTerms = 1000

const acknowledgeMs = 1000

const capabilities: Capabilities = {
  ...{ keyOrder: 'emulated', delay: 'emulated', replay: 'absent', fencing: 'emulated', deduplication: 'emulated' },
  ...{ fromStart: 'absent', deduplicationHorizonMs: Number.POSITIVE_INFINITY, durability: 'synced' },
}

/** A bus on RabbitMQ: one exchange for an application, one queue for each store that wants something of it. */
export class RabbitmqBus implements Bus {
  readonly engine = 'rabbitmq'
  readonly capabilities = capabilities
  readonly #parts: EngineParts
  readonly #publishing: Publishing
  readonly #registry: Registry
  readonly #consuming = new Set<Consuming>()
  readonly #marks = new Map<string, Record<string, number>>()
  #flushing: Promise<void> | undefined
  #flushed = Number.NEGATIVE_INFINITY
  #term: string | undefined
  #closing: Promise<void> | undefined

  constructor(parts: EngineParts) {
    const { publisher, names, clock, timeoutMs } = parts
    this.#parts = parts
    this.#publishing = new Publishing({ link: publisher, exchange: names.events, clock, timeoutMs })
    this.#registry = new Registry(publisher, clock, timeoutMs)
  }

  async append(batch: Batch): Promise<void> {
    this.#mustBeOpen()
    const wrong = misnumbered(batch, this.#parts.publisher.shown)
    if (wrong) throw wrong
    await this.#publishing.append(batch)
  }

  /** Queues know no producers: what is given again is dropped where it arrives. */
  async producerMark(): Promise<number> {
    this.#mustBeOpen()
    return 0
  }

  /** The first question of a process counts as its start. */
  async lineage(): Promise<Lineage> {
    this.#mustBeOpen()
    const fresh = this.#term === undefined ? randomIdentity().slice(0, 12) : undefined
    const fact = await this.#changeBus((known) => {
      if (fresh === undefined) return known
      const number = Number.parseInt(known.terms.at(-1) ?? '0', 10) + 1
      return { ...known, terms: [...known.terms, `${number}.${fresh}`].slice(-rememberedTerms) }
    })
    this.#term ??= fresh
    return { bus: fact.bus, incarnations: fact.terms.map((token) => ({ token, start: 0 })), head: 0 }
  }

  async deliver(consumer: Consumer, sink: Sink): Promise<Consuming> {
    this.#mustBeOpen()
    const { consumer: link, names, clock, maxBytes, timeoutMs } = this.#parts
    const consuming = new QueueConsuming({ link, names, clock, consumer, sink, maxBytes, timeoutMs })
    await consuming.start()
    this.#consuming.add(consuming)
    return consuming
  }

  async register({ subscription, store, marks }: Registration): Promise<Registered> {
    this.#mustBeOpen()
    let before: ReaderFact | undefined
    await this.#registry.change<ReaderFact>(this.#parts.names.reader(subscription), (known) => {
      if (known && known.store !== store) throw this.#taken(subscription, known.store, store)
      before = known
      return { store, marks: further(known?.marks, marks) }
    })
    await this.#changeBus((known) => ({ ...known, readers: { ...known.readers, [subscription]: store } }))
    return { marks: before?.marks }
  }

  acknowledge(subscription: string, marks: Readonly<Record<string, number>>): void {
    if (this.#closing) return
    this.#marks.set(subscription, further(this.#marks.get(subscription), marks))
    // Lazy, but soon enough to tell a store that was restored from an older copy.
    if (this.#parts.clock.monotonic() - this.#flushed >= acknowledgeMs) void this.#flush()
  }

  async forget(subscription: string): Promise<void> {
    this.#mustBeOpen()
    const { names, publisher } = this.#parts
    this.#marks.delete(subscription)
    let store: string | undefined
    const fact = await this.#changeBus((known) => {
      const { [subscription]: gone, ...readers } = known.readers
      store = gone
      return { ...known, readers }
    })
    if (store === undefined)
      throw new SkerryError(
        'not_found',
        `${publisher.shown}: no subscription ${subscription}; see them with: skerry subscriptions list`,
      )
    await this.#registry.change(names.reader(subscription), () => undefined)
    // The last subscription of a store is gone: nobody would empty its queue.
    if (!Object.values(fact.readers).includes(store)) await this.#deleteInbox(subscription, store)
  }

  async status(): Promise<BusStatus> {
    this.#mustBeOpen()
    const { bus, readers } = await this.#changeBus((known) => known)
    const found: ReaderStatus[] = []
    for (const [subscription, store] of Object.entries(readers)) {
      const fact = await this.#registry.change<ReaderFact>(this.#parts.names.reader(subscription), (known) => known)
      found.push({ subscription, store, marks: fact?.marks ?? {} })
    }
    const nothing = { head: 0, streams: [], writer: undefined, diskBytes: 0, clockJumps: 0 }
    return { bus, engine: this.engine, ...nothing, readers: found, diskLimitBytes: Number.POSITIVE_INFINITY }
  }

  async head(): Promise<never> {
    return this.#noLog()
  }

  async read(): Promise<Chunk> {
    return this.#noLog()
  }

  async readOne(): Promise<never> {
    return this.#noLog()
  }

  watch(): Stop {
    return this.#noLog()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { publisher, consumer, clock, timeoutMs } = this.#parts
    await this.#publishing.drained()
    for (const consuming of this.#consuming) await consuming.stop()
    await inTime(clock, timeoutMs, this.#flush())
    await this.#publishing.close()
    await Promise.all([publisher.close(), consumer.close()])
    await this.#flushing
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#writeMarks()
      // They are lost with the process, or written after the next acknowledgement: see `Bus.acknowledge`.
      .catch(() => {})
      .finally(() => {
        this.#flushing = undefined
        this.#flushed = this.#parts.clock.monotonic()
      })
    return this.#flushing
  }

  async #writeMarks(): Promise<void> {
    // What is acknowledged meanwhile is written, too.
    for (const [subscription, marks] of this.#marks) {
      this.#marks.delete(subscription)
      await this.#registry.change<ReaderFact>(
        this.#parts.names.reader(subscription),
        (known) => known && { ...known, marks: further(known.marks, marks) },
      )
    }
  }

  async #changeBus(next: (fact: BusFact) => BusFact): Promise<BusFact> {
    const founded: BusFact = { bus: randomIdentity(), terms: [], readers: {} }
    return (await this.#registry.change<BusFact>(this.#parts.names.bus, (known) => next(known ?? founded))) as BusFact
  }

  async #deleteInbox(subscription: string, store: string): Promise<void> {
    const service = subscription.slice(0, subscription.lastIndexOf('/'))
    const channel = await this.#parts.publisher.channel()
    await channel.deleteQueue(this.#parts.names.inbox(service, store))
    await channel.close()
  }

  #taken(subscription: string, known: string, store: string): SkerryError {
    return new SkerryError(
      'subscription_taken',
      `${this.#parts.publisher.shown}: subscription ${subscription} belongs to another store (${known}, not ${store}); ` +
        `use that store, or give it up with: skerry subscriptions forget ${subscription}`,
    )
  }

  #noLog(): never {
    this.#mustBeOpen()
    throw new SkerryError(
      'capability_absent',
      'rabbitmq keeps no log that can be read: events are read from inboxes of stores',
    )
  }

  #mustBeOpen(): void {
    if (this.#closing) throw closed(this.#parts.publisher.shown)
  }
}

/** The further of both marks of each stream. */
function further(
  a: Readonly<Record<string, number>> | undefined,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const marks: Record<string, number> = { ...a }
  for (const [stream, mark] of Object.entries(b)) marks[stream] = Math.max(mark, marks[stream] ?? 0)
  return marks
}
