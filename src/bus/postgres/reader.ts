import { SkerryError } from '../../errors.ts'
import type { Delivery, Position } from '../../event.ts'
import { decodeFrame } from '../../frame.ts'
import type { Chunk, Credit } from '../bus.ts'
import { Cache, cut, type Piece } from '../cache.ts'
import type { Row } from './database.ts'

/** Bounds one read, however large the credit. */
const longestRead = 512 * 1024

export interface ReaderOptions {
  readonly place: string
  /** Rows of the function `read`; see `logging.ts`. */
  readonly load: (stream: string, from: Position, events: number, bytes: number) => Promise<Row[]>
}

interface Loaded {
  readonly events: Delivery[]
  readonly until: Position
  readonly term: string
}

interface Loading {
  readonly began: number
  readonly result: Promise<Loaded>
}

/** Reads the log. Subscriptions at the same place share a question, and what was decoded. */
export class Reader {
  readonly #options: ReaderOptions
  readonly #cache = new Cache()
  readonly #loading = new Map<string, Loading>()
  #ticks = 0
  #term = ''
  #head = 0

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** The furthest head that was seen. */
  get head(): Position {
    return this.#head
  }

  /** The newest term that was seen. */
  get term(): string {
    return this.#term
  }

  async read(stream: string, from: Position, credit: Credit): Promise<Chunk> {
    const known = this.#cache.read(stream, from, credit)
    // Nothing up to where somebody has read to says nothing of what came after.
    const { events, next } = known?.events.length ? known : await this.#fetch(stream, known?.next ?? from, credit)
    return { events, next, term: this.#term }
  }

  async readOne(stream: string, position: Position): Promise<Delivery | undefined> {
    const known = this.#cache.read(stream, position, { events: 1, bytes: 0 })
    if (known) return at(known.events, position)
    const rows = await this.#options.load(stream, position, 1, 0)
    return rows[0]?.events === -1 ? undefined : at(deliveries(stream, position, rows), position)
  }

  async #fetch(stream: string, from: Position, credit: Credit): Promise<Piece> {
    const asked = ++this.#ticks
    const key = `${from} ${stream}`
    for (;;) {
      const loading = this.#loading.get(key) ?? this.#start(key, stream, from, credit)
      // A question put before ours may have missed what we must see: then it counts only for what it found.
      const ours = loading.began >= asked
      try {
        const { events, until, term } = await loading.result
        this.#term = later(term, this.#term)
        if (events.length > 0 || ours) return cut({ events, until }, from, credit)
      } catch (error) {
        if (ours) throw error
      }
    }
  }

  #start(key: string, stream: string, from: Position, credit: Credit): Loading {
    const loading = { began: ++this.#ticks, result: this.#load(stream, from, credit) }
    this.#loading.set(key, loading)
    const end = (): void => void this.#loading.delete(key)
    loading.result.then(end, end)
    return loading
  }

  async #load(stream: string, from: Position, credit: Credit): Promise<Loaded> {
    const known = this.#head
    const rows = await this.#options.load(stream, from, credit.events, Math.min(credit.bytes, longestRead))
    const end = rows.at(-1) as Row
    if (end.events === -1) throw this.#lost(stream, from, Number(end.place))
    const head = Number(end.place)
    // What was committed before the question was put is in every answer.
    if (head < known) throw wentBack(this.#options.place, head, known)
    this.#head = Math.max(this.#head, head)
    const last = rows.at(-2)
    const until = end.events === 1 && last ? Number(last.place) + Number(last.events) : Math.max(from, head)
    const events = deliveries(stream, from, rows)
    this.#cache.add(stream, from, until, events)
    return { events, until, term: String(end.body) }
  }

  #lost(stream: string, from: Position, floor: Position): SkerryError {
    return new SkerryError(
      'position_lost',
      `${this.#options.place}: retention has passed position ${from} of stream ${stream} (it keeps ${floor} and up); ` +
        'a registered subscription is never passed: register before reading',
    )
  }
}

function deliveries(stream: string, from: Position, rows: readonly Row[]): Delivery[] {
  const events: Delivery[] = []
  for (const { place, body } of rows.slice(0, -1)) {
    let position = Number(place)
    for (const record of decodeFrame(String(body))) {
      if (position >= from) events.push({ stream, position, record })
      position++
    }
  }
  return events
}

function at(events: readonly Delivery[], position: Position): Delivery | undefined {
  return events[0]?.position === position ? events[0] : undefined
}

/** The later of two terms: their numbers grow. */
function later(term: string, than: string): string {
  return Number.parseInt(term, 10) >= (Number.parseInt(than, 10) || 0) ? term : than
}

export function wentBack(place: string, head: Position, known: Position): SkerryError {
  return new SkerryError(
    'log_changed',
    `${place}: the bus ends at position ${head} and had been seen up to ${known}: it was restored from an older copy. ` +
      'Put the newer one back, then start again',
  )
}
