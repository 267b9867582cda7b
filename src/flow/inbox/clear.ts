import type { Position } from '../../event.ts'
import { decodeFrame, encodeRecord, type Frame } from '../../frame.ts'
import type { ReadTx, StoreTx } from '../../store/store.ts'
import { anonymous, anonymousHorizonMs } from './marks.ts'
import { inboxHead } from './take.ts'

/**
 * Removes what all subscriptions of the store have passed. Of that, events behind a key in trouble, and events that are
 * exceptions without a record of their own, are kept singly: a key that stays parked for weeks pins its own events and no
 * others.
 */

/** Most rows in one transaction: other writers wait meanwhile. */
const rowsAtOnce = 256

/** One transaction's worth; true when there is more to do. */
export async function clearInbox(tx: StoreTx): Promise<boolean> {
  let more = false
  for (const { stream, mark } of await passedMarks(tx)) more = (await clearStream(tx, stream, mark)) || more
  await tx.run(
    `delete from skerry_inbox_kept where not exists (
       select 1 from skerry_waiting as w where w.stream = skerry_inbox_kept.stream and w.key = skerry_inbox_kept.key
         and w.first <= skerry_inbox_kept.position)
     and not exists (
       select 1 from skerry_exception as e where e.stream = skerry_inbox_kept.stream
         and e.position = skerry_inbox_kept.position and e.record is null)`,
  )
  return more
}

/** Producers without a name that have not been heard of for long; see `anonymousHorizonMs`. */
export async function forgetProducers(tx: StoreTx, wall: number): Promise<void> {
  await tx.run(
    `delete from skerry_inbox_mark where producer like '${anonymous}%' and seen < ?`,
    wall - anonymousHorizonMs,
  )
}

interface StreamMark {
  readonly stream: string
  /** Every subscription has passed what is below. */
  readonly mark: Position
}

/** A stream that no subscription reads any more is passed wholly; before the first one is recorded, nothing is. */
async function passedMarks(tx: ReadTx): Promise<StreamMark[]> {
  if ((await tx.all('select 1 from skerry_subscription limit 1')).length === 0) return []
  return tx.all<StreamMark>(
    `select s.stream as stream, coalesce(min(p.next), ?) as mark
     from skerry_inbox_stream as s left join skerry_position as p on p.stream = s.stream group by s.stream`,
    await inboxHead(tx),
  )
}

interface Passed {
  readonly position: Position
  readonly count: number
  readonly bytes: number
}

async function clearStream(tx: StoreTx, stream: string, mark: Position): Promise<boolean> {
  const rows = await tx.all<Passed>(
    `select position, count, bytes from skerry_inbox
     where stream = ? and position < ? and position + count <= ? order by position limit ?`,
    ...[stream, mark, mark, rowsAtOnce],
  )
  const last = rows.at(-1)
  if (!last) return false
  const needed = await neededBelow(tx, stream, last.position + last.count)
  if (needed) for (const row of rows) await keep(tx, stream, row, needed)
  await tx.run('delete from skerry_inbox where stream = ? and position <= ?', stream, last.position)
  await tx.run(
    'update skerry_inbox_stream set first = ?, events = events - ?, bytes = bytes - ? where stream = ?',
    last.position + last.count,
    rows.reduce((sum, row) => sum + row.count, 0),
    rows.reduce((sum, row) => sum + row.bytes, 0),
    stream,
  )
  return rows.length === rowsAtOnce
}

interface Needed {
  /** Keys in trouble, and from where on their events wait. */
  readonly keys: ReadonlyMap<string, Position>
  readonly positions: ReadonlySet<Position>
}

/** What will still be asked for below a place; undefined when nothing will. */
async function neededBelow(tx: ReadTx, stream: string, end: Position): Promise<Needed | undefined> {
  const waiting = await tx.all<{ key: string; first: number }>(
    'select key, min(first) as first from skerry_waiting where stream = ? and first < ? group by key',
    stream,
    end,
  )
  const exceptions = await tx.all<{ position: number }>(
    'select position from skerry_exception where stream = ? and position < ? and record is null',
    stream,
    end,
  )
  if (waiting.length === 0 && exceptions.length === 0) return undefined
  return {
    keys: new Map(waiting.map(({ key, first }) => [key, first])),
    positions: new Set(exceptions.map(({ position }) => position)),
  }
}

async function keep(tx: StoreTx, stream: string, row: Passed, needed: Needed): Promise<void> {
  const [stored] = await tx.all<{ frame: Frame }>(
    'select frame from skerry_inbox where stream = ? and position = ?',
    stream,
    row.position,
  )
  for (const [i, record] of decodeFrame(stored?.frame ?? '').entries()) {
    const position = row.position + i
    const waits = position >= (needed.keys.get(record.key) ?? Number.POSITIVE_INFINITY)
    if (!waits && !needed.positions.has(position)) continue
    await tx.run(
      `insert into skerry_inbox_kept (stream, position, key, frame) values (?, ?, ?, ?)
       on conflict (stream, position) do nothing`,
      ...[stream, position, record.key, encodeRecord(record)],
    )
  }
}
