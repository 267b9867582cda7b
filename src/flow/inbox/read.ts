import type { Chunk, Credit, StreamStatus } from '../../bus/bus.ts'
import type { Delivery, Position } from '../../event.ts'
import { decodeFrame, type Frame } from '../../frame.ts'
import type { ReadTx } from '../../store/store.ts'
import { inboxHead } from './take.ts'

interface InboxRow {
  readonly position: Position
  readonly count: number
  readonly frame: Frame
}

/** Rows read at once: few, since one may hold a large event. */
const rowsAtOnce = 16

/** Reads on in one stream of a store's inbox: what was kept of passed events first, then the rest. One snapshot. */
export async function readInbox(tx: ReadTx, stream: string, from: Position, credit: Credit): Promise<Chunk> {
  const end = await inboxHead(tx)
  const basket = new Basket(stream, from, credit)
  for (const rows of [keptRows, inboxRows]) {
    for (let more = true; more && !basket.full; ) {
      const page = await rows(tx, stream, basket.next)
      for (const row of page) basket.put(row)
      more = page.length === rowsAtOnce
    }
  }
  const next = basket.full ? basket.next : Math.max(basket.next, end)
  return { events: basket.events, next, term: '' }
}

export async function readInboxOne(tx: ReadTx, stream: string, position: Position): Promise<Delivery | undefined> {
  const { events } = await readInbox(tx, stream, position, { events: 1, bytes: 1 })
  return events[0]?.position === position ? events[0] : undefined
}

/** What the inbox holds of each stream. */
export async function inboxStreams(tx: ReadTx): Promise<StreamStatus[]> {
  const rows = await tx.all<{ stream: string; events: number; bytes: number; first: number }>(
    'select stream, events, bytes, first from skerry_inbox_stream order by stream',
  )
  const found: StreamStatus[] = []
  for (const { stream, events, bytes, first } of rows) {
    const [last] = await tx.all<InboxRow>(
      'select position, count from skerry_inbox where stream = ? order by position desc limit 1',
      stream,
    )
    const next = last ? last.position + last.count : first
    if (events > 0 || first > 0) found.push({ stream, events, bytes, first: Math.min(first, next), next })
  }
  return found
}

async function keptRows(tx: ReadTx, stream: string, from: Position): Promise<InboxRow[]> {
  return tx.all<InboxRow>(
    'select position, 1 as count, frame from skerry_inbox_kept where stream = ? and position >= ? order by position limit ?',
    stream,
    from,
    rowsAtOnce,
  )
}

async function inboxRows(tx: ReadTx, stream: string, from: Position): Promise<InboxRow[]> {
  // The last row that begins at or before the place may reach beyond it.
  const [around] = await tx.all<{ position: number }>(
    'select position from skerry_inbox where stream = ? and position <= ? order by position desc limit 1',
    stream,
    from,
  )
  return tx.all<InboxRow>(
    `select position, count, frame from skerry_inbox
     where stream = ? and position >= ? and position + count > ? order by position limit ?`,
    stream,
    around?.position ?? from,
    from,
    rowsAtOnce,
  )
}

/** Fills up with events until the credit is used; always takes one. */
class Basket {
  readonly events: Delivery[] = []
  /** True once something was left out. */
  full = false
  next: Position
  readonly #stream: string
  #bytes = 0
  readonly #credit: Credit

  constructor(stream: string, from: Position, credit: Credit) {
    this.#stream = stream
    this.next = from
    this.#credit = credit
  }

  put({ position: first, count, frame }: InboxRow): void {
    if (this.full) return
    if (first + count <= this.next) return
    for (const [i, record] of decodeFrame(frame).entries()) {
      const position = first + i
      if (position < this.next) continue
      const used = this.events.length
      const over = used >= this.#credit.events || this.#bytes + record.data.length > this.#credit.bytes
      if (over && used > 0) {
        this.full = true
        return
      }
      this.events.push({ stream: this.#stream, position, record })
      this.#bytes += record.data.length
      this.next = position + 1
    }
  }
}
