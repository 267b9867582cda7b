import type { Parcel } from '../../bus/bus.ts'
import { SkerryError } from '../../errors.ts'
import type { Position } from '../../event.ts'
import { type Frame, pickFromFrame } from '../../frame.ts'
import type { ReadTx, StoreTx } from '../../store/store.ts'
import { judge, type Mark } from './marks.ts'

/** Where the inbox of a store is written: one transaction for each gathered batch of parcels. */

export interface Missing {
  readonly stream: string
  readonly producer: string
  readonly from: number
  readonly to: number
}

export interface Taken {
  /** Streams that got something new. */
  readonly streams: ReadonlySet<string>
  readonly missing: readonly Missing[]
}

/** Neighbouring parcels share a row up to this much text: reading and deleting go by rows. */
const rowLimit = 64 * 1024

const nextPosition = 'inbox_next'

/** The position that the next event to arrive will have. */
export async function inboxHead(tx: ReadTx): Promise<Position> {
  const [row] = await tx.all<{ value: string }>('select value from skerry_meta where name = ?', nextPosition)
  return row ? Number(row.value) : 1
}

/** Takes parcels in: what is new of them gets positions, all of it or nothing. Streams nobody asked for are passed over. */
export async function takeIn(tx: StoreTx, parcels: readonly Parcel[], wall: number): Promise<Taken> {
  await moveSources(tx, parcels)
  const wanted = new Set(
    (await tx.all<{ stream: string }>('select stream from skerry_inbox_stream')).map((r) => r.stream),
  )
  const marks = new Marks(tx)
  const missing: Missing[] = []
  const rows: NewRow[] = []
  for (const parcel of parcels) {
    if (!wanted.has(parcel.stream)) continue
    const { stream, producer } = parcel
    const judged = judge(await marks.of(stream, producer), parcel)
    marks.set(stream, producer, judged.mark)
    if (judged.missing) missing.push({ stream, producer, from: judged.missing[0], to: judged.missing[1] })
    put(rows, stream, parcel.frame, judged.fresh)
  }
  await insert(tx, rows)
  await marks.write(wall)
  for (const { stream, from, to } of missing)
    await tx.run('update skerry_inbox_stream set missing = missing + ? where stream = ?', to - from + 1, stream)
  return { streams: new Set(rows.map((row) => row.stream)), missing }
}

/** Where the store is in these sources. */
export async function sourcePlaces(tx: ReadTx, sources: readonly string[]): Promise<Record<string, number>> {
  const places: Record<string, number> = {}
  for (const source of sources) {
    const [row] = await tx.all<{ place: number }>('select place from skerry_inbox_source where source = ?', source)
    places[source] = row?.place ?? 0
  }
  return places
}

/** Compare and set: whoever lost a source, and does not know it yet, must not write what its new owner has written. */
async function moveSources(tx: StoreTx, parcels: readonly Parcel[]): Promise<void> {
  const moves = new Map<string, { from: number; to: number }>()
  for (const { source, offsets } of parcels) {
    if (!offsets) continue
    const move = moves.get(source)
    if (move && move.to !== offsets.from) throw movedOn(source, move.to, offsets.from)
    moves.set(source, { from: move?.from ?? offsets.from, to: offsets.to })
  }
  for (const [source, { from, to }] of moves) {
    const changed = await tx.run(
      'update skerry_inbox_source set place = ? where source = ? and place = ?',
      to,
      source,
      from,
    )
    if (changed === 1) continue
    const [row] = await tx.all<{ place: number }>('select place from skerry_inbox_source where source = ?', source)
    // A source that the store has never heard of begins wherever the engine begins.
    if (row) throw movedOn(source, row.place, from)
    await tx.run('insert into skerry_inbox_source (source, place) values (?, ?)', source, to)
  }
}

const movedOn = (source: string, place: number, from: number): SkerryError =>
  new SkerryError(
    'fenced',
    `${source}: the store is at ${place}, this parcel follows on ${from}; ask for the place again`,
  )

interface NewRow {
  readonly stream: string
  count: number
  bytes: number
  frame: Frame
}

function put(rows: NewRow[], stream: string, frame: Frame, fresh: readonly boolean[]): void {
  const count = fresh.filter(Boolean).length
  if (count === 0) return
  const text = count === fresh.length ? frame : pickFromFrame(frame, fresh)
  const last = rows.at(-1)
  if (last?.stream !== stream || last.bytes + text.length > rowLimit) {
    rows.push({ stream, count, bytes: text.length, frame: text })
    return
  }
  last.count += count
  last.bytes += text.length
  last.frame += text
}

async function insert(tx: StoreTx, rows: readonly NewRow[]): Promise<void> {
  if (rows.length === 0) return
  let position = await inboxHead(tx)
  for (const { stream, count, bytes, frame } of rows) {
    await tx.run(
      'insert into skerry_inbox (stream, position, count, bytes, frame) values (?, ?, ?, ?, ?)',
      ...[stream, position, count, bytes, frame],
    )
    await tx.run(
      'update skerry_inbox_stream set events = events + ?, bytes = bytes + ? where stream = ?',
      ...[count, bytes, stream],
    )
    position += count
  }
  await tx.run(
    'insert into skerry_meta (name, value) values (?, ?) on conflict (name) do update set value = excluded.value',
    nextPosition,
    String(position),
  )
}

/** The marks that a transaction touches: read once each, written once each. */
class Marks {
  readonly #tx: StoreTx
  readonly #marks = new Map<string, Map<string, Mark | undefined>>()

  constructor(tx: StoreTx) {
    this.#tx = tx
  }

  async of(stream: string, producer: string): Promise<Mark | undefined> {
    const known = this.#marks.get(stream)
    if (known?.has(producer)) return known.get(producer)
    const mark = await readMark(this.#tx, stream, producer)
    this.set(stream, producer, mark)
    return mark
  }

  set(stream: string, producer: string, mark: Mark | undefined): void {
    const ofStream = this.#marks.get(stream) ?? new Map<string, Mark | undefined>()
    this.#marks.set(stream, ofStream.set(producer, mark))
  }

  async write(wall: number): Promise<void> {
    for (const [stream, ofStream] of this.#marks)
      for (const [producer, mark] of ofStream)
        if (mark)
          await this.#tx.run(
            `insert into skerry_inbox_mark (stream, producer, number, lanes, seen) values (?, ?, ?, ?, ?)
             on conflict (stream, producer) do update set
               number = excluded.number, lanes = excluded.lanes, seen = excluded.seen`,
            ...[stream, producer, mark.number, mark.lanes ? JSON.stringify(mark.lanes) : null, wall],
          )
  }
}

export async function readMark(tx: ReadTx, stream: string, producer: string): Promise<Mark | undefined> {
  const [row] = await tx.all<{ number: number; lanes: string | null }>(
    'select number, lanes from skerry_inbox_mark where stream = ? and producer = ?',
    stream,
    producer,
  )
  return row && { number: row.number, ...(row.lanes !== null && { lanes: JSON.parse(row.lanes) as number[] }) }
}

/** The highest number of a producer that has arrived, whatever the stream. */
export async function arrivedNumber(tx: ReadTx, producer: string): Promise<number> {
  const rows = await tx.all<{ number: number }>('select number from skerry_inbox_mark where producer = ?', producer)
  return Math.max(0, ...rows.map((row) => row.number))
}
