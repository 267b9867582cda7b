import { statSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { codeOf, SkerryError } from '../../errors.ts'
import type { Delivery, Position } from '../../event.ts'
import { decodeFrame } from '../../frame.ts'
import type { Chunk, Credit, Lineage, ReaderStatus, StreamStatus } from '../bus.ts'
import { Cache, type Piece } from '../cache.ts'
import { explain } from './failures.ts'
import type { Growth } from './protocol.ts'
import { openForReading } from './schema.ts'

type Row = [position: number, count: number, frame: string]
type Place = [id: number, first: number, next: number]

/** Bounds one read, however large the credit: the thread has other things to do. */
const longestRead = 512 * 1024
const mostStatements = 64

/** Reads the bus file beside the writer, on the caller's thread: a read is a few page look-ups and needs nobody's help. */
export class Reader {
  readonly file: string
  readonly #db: DatabaseSync
  readonly #begin: StatementSync
  readonly #end: StatementSync
  readonly #head: StatementSync
  readonly #at: StatementSync
  readonly #after: StatementSync
  readonly #floor: StatementSync
  readonly #mark: StatementSync
  readonly #version: StatementSync
  readonly #rows = new Map<number, StatementSync>()
  readonly #newest: StatementSync
  readonly #cache = new Cache()
  #term = ''

  constructor(file: string) {
    this.file = file
    this.#db = openForReading(file)
    const arrays = (text: string): StatementSync => {
      const statement = this.#db.prepare(text)
      statement.setReturnArrays(true)
      return statement
    }
    this.#begin = this.#db.prepare('begin')
    this.#end = this.#db.prepare('commit')
    this.#head = arrays('select head from bus')
    this.#at = arrays('select id, first, next from segment where stream = ? and first <= ? order by first desc limit 1')
    this.#after = arrays('select id, first, next from segment where stream = ? and first > ? order by first limit 1')
    this.#floor = arrays('select floor from stream where name = ?')
    this.#mark = arrays('select mark from producer where name = ?')
    this.#version = arrays('pragma data_version')
    this.#newest = arrays("select number || '.' || token from incarnation order by number desc limit 1")
  }

  head(): Position {
    return this.#attempt(() => one(this.#head.get()))
  }

  producerMark(producer: string): number {
    return this.#attempt(() => one(this.#mark.get(producer)))
  }

  /** Changes when another connection has committed. */
  version(): number {
    return this.#attempt(() => one(this.#version.get()))
  }

  read(stream: string, from: Position, credit: Credit): Chunk {
    return this.#attempt(() => {
      const known = this.#cache.read(stream, from, credit)
      // Nothing up to where somebody has read to says nothing of what came after.
      const { events, next } = known?.events.length ? known : this.#load(stream, known?.next ?? from, credit)
      return { events, next, term: this.#term }
    })
  }

  /**
   * Learns what the writer has just committed. Kept only by who has read all before it: whatever is lost, late or in
   * doubt on this way is read from the file instead.
   */
  take({ stream, after, until, rows, term }: Growth): void {
    const from = this.#cache.reach(stream, after, until)
    if (from === undefined) return
    const events: Delivery[] = []
    try {
      for (const [position, count, frame] of rows)
        if (position + count > from) push(events, stream, position, frame, from)
    } catch {
      return
    }
    this.#cache.add(stream, from, until, events)
    this.#term = later(term, this.#term)
  }

  readOne(stream: string, position: Position): Delivery | undefined {
    try {
      const known = this.#cache.read(stream, position, { events: 1, bytes: 0 })
      const event = known?.events[0] ?? this.#snapshot(() => this.#collect(stream, position, 1, 0)).events[0]
      return event?.position === position ? event : undefined
    } catch (error) {
      if (codeOf(error) === 'position_lost') return undefined
      throw error
    }
  }

  lineage(): Lineage {
    return this.#snapshot(() => {
      const { identity, head } = this.#db.prepare('select identity, head from bus').get() as Record<string, unknown>
      const incarnations = this.#db
        .prepare("select number || '.' || token as token, start from incarnation order by number")
        .all()
      return {
        bus: String(identity),
        head: Number(head),
        incarnations: incarnations.map(({ token, start }) => ({ token: String(token), start: Number(start) })),
      }
    })
  }

  /** What the file says of its streams and readers, from their summaries: nothing is counted. */
  summary(): {
    bus: string
    head: Position
    pid: number
    diskBytes: number
    streams: StreamStatus[]
    readers: ReaderStatus[]
  } {
    return this.#snapshot(() => {
      const row = this.#db.prepare('select identity, head, pid from bus').get() as Record<string, unknown>
      const readers = this.#db.prepare('select subscription, store, marks from reader order by subscription').all()
      return {
        bus: String(row.identity),
        head: Number(row.head),
        pid: Number(row.pid),
        diskBytes: sizeOf(this.file) + sizeOf(`${this.file}-wal`),
        streams: this.#db.prepare(streamSummary).all() as unknown as StreamStatus[],
        readers: readers.map((r) => ({
          subscription: String(r.subscription),
          store: String(r.store),
          marks: JSON.parse(String(r.marks)),
        })),
      }
    })
  }

  close(): void {
    this.#db.close()
  }

  #load(stream: string, from: Position, credit: Credit): Piece {
    const { events, until } = this.#snapshot(() => {
      this.#term = String((this.#newest.get() as unknown[] | undefined)?.[0] ?? '')
      return this.#collect(stream, from, credit.events, Math.min(credit.bytes, longestRead))
    })
    this.#cache.add(stream, from, until, events)
    // Through the cache again, which cuts what the last row held beyond the credit.
    return this.#cache.read(stream, from, credit) ?? { events, next: until }
  }

  /** Whole rows until the credit is used up. */
  #collect(stream: string, from: Position, most: number, bytes: number): { events: Delivery[]; until: Position } {
    const head = one(this.#head.get())
    const events: Delivery[] = []
    let at = from
    let left = bytes
    for (;;) {
      const place = this.#segment(stream, at)
      if (!place) return { events, until: Math.max(head, at) }
      for (const row of this.#rowsOf(place[0]).iterate(at, at) as Iterable<unknown> as Iterable<Row>) {
        const [position, count, frame] = row
        push(events, stream, position, frame, from)
        at = position + count
        left -= frame.length
        if (events.length >= most || left <= 0) return { events, until: at }
      }
      at = Math.max(at, place[2])
    }
  }

  #segment(stream: string, at: Position): Place | undefined {
    const holding = this.#at.get(stream, at) as unknown as Place | undefined
    if (holding && holding[2] > at) return holding
    const floor = one(this.#floor.get(stream))
    if (at < floor)
      throw new SkerryError(
        'position_lost',
        `${this.file}: retention has passed position ${at} of stream ${stream} (it keeps ${floor} and up); ` +
          'a registered subscription is never passed: register before reading',
      )
    return this.#after.get(stream, at) as unknown as Place | undefined
  }

  #rowsOf(segment: number): StatementSync {
    const known = this.#rows.get(segment)
    if (known) return known
    if (this.#rows.size >= mostStatements) this.#rows.clear()
    const statement = this.#db.prepare(
      `select position, count, frame from log_${segment}
       where position >= coalesce((select max(position) from log_${segment} where position <= ?), 0)
         and position + count > ? order by position`,
    )
    statement.setReturnArrays(true)
    this.#rows.set(segment, statement)
    return statement
  }

  /** What `work` reads belongs together: no segment is dropped and nothing is appended between two of its look-ups. */
  #snapshot<T>(work: () => T): T {
    return this.#attempt(() => {
      this.#begin.run()
      try {
        return work()
      } finally {
        this.#end.run()
      }
    })
  }

  #attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw explain(error, this.file)
    }
  }
}

const streamSummary = `
  select name as stream, coalesce(sum(events), 0) as events, coalesce(sum(bytes), 0) as bytes,
    coalesce(min(segment.first), stream.next) as first, coalesce(max(segment.next), stream.next) as next
  from stream left join segment on segment.stream = stream.name group by name order by name`

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** The later of two terms: their numbers grow. */
function later(term: string, than: string): string {
  return Number.parseInt(term, 10) >= (Number.parseInt(than, 10) || 0) ? term : than
}

function one(row: unknown): number {
  return Number((row as unknown[] | undefined)?.[0] ?? 0)
}

function push(events: Delivery[], stream: string, first: Position, frame: string, from: Position): void {
  let position = first
  for (const record of decodeFrame(frame)) {
    if (position >= from) events.push({ stream, position, record })
    position++
  }
}
