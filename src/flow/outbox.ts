import { SkerryError } from '../errors.ts'
import type { EventRecord } from '../event.ts'
import { encodeFrame, type Frame } from '../frame.ts'
import type { ReadTx, Store, StoreTx } from '../store/store.ts'

/**
 * The outbox: events committed with the state, not yet on the bus. All emissions of one transaction are one row: a
 * frame, numbered without gaps. Numbers never restart, so that the bus can tell a repeat.
 *
 * Where one process writes at a time, a transaction numbers its own frame. Where several do, a common number would set them
 * one against another: there the relay numbers frames when it first takes them, durably, before it sends any.
 */
export interface OutboxFrame {
  readonly first: number
  readonly count: number
  readonly frame: Frame
}

/** What a transaction left in the outbox. */
export type Emitted = OutboxFrame | 'unnumbered' | undefined

const nextNumber = 'outbox_next'

/** The number that the next event to be numbered gets; 1 in a new store. */
export async function nextOutboxNumber(tx: ReadTx): Promise<number> {
  const [row] = await tx.all<{ value: string }>('select value from skerry_meta where name = ?', nextNumber)
  return row ? Number(row.value) : 1
}

async function setNextNumber(tx: StoreTx, next: number): Promise<void> {
  await tx.run(
    'insert into skerry_meta (name, value) values (?, ?) on conflict (name) do update set value = excluded.value',
    nextNumber,
    String(next),
  )
}

/** True where a transaction numbers what it emits. */
export const numbersAtCommit = ({ dialect }: Pick<ReadTx, 'dialect'>): boolean => dialect === 'sqlite'

/** Stores what a transaction emitted. */
export async function putOutbox(tx: StoreTx, records: readonly EventRecord[]): Promise<Emitted> {
  const frame = encodeFrame(records)
  if (!numbersAtCommit(tx)) {
    await tx.run('insert into skerry_outbox (count, frame) values (?, ?)', records.length, frame)
    return 'unnumbered'
  }
  const first = await nextOutboxNumber(tx)
  await tx.run('insert into skerry_outbox (first, count, frame) values (?, ?, ?)', first, records.length, frame)
  await setNextNumber(tx, first + records.length)
  return { first, count: records.length, frame }
}

/** Frames that hold events numbered above `sent`, oldest first. */
export function readOutbox(tx: ReadTx, sent: number, limit: number): Promise<OutboxFrame[]> {
  return tx.all<OutboxFrame>(
    'select first, count, frame from skerry_outbox where first + count - 1 > ? order by first limit ?',
    sent,
    limit,
  )
}

/** The frames to send next, numbered on disk by then. */
export function takeOutbox(store: Store, sent: number, limit: number): Promise<OutboxFrame[]> {
  if (numbersAtCommit(store)) return store.read((tx) => readOutbox(tx, sent, limit))
  return store.write(async (tx) => {
    await clearOutbox(tx, sent)
    const waiting = await readOutbox(tx, sent, limit)
    return waiting.length > 0 ? waiting : numberOutbox(tx, limit)
  }, 'bookkeeping')
}

/**
 * Numbers frames that are committed, in the order of their ids, and gives them back.
 *
 * Why this keeps order. An id is drawn when its transaction writes the frame, after its snapshot was taken. Let A have
 * committed before B began, which is all that B can have seen of it and the only way in which events of one key follow one
 * another (its lane has one owner, whose transactions follow one another; a new owner begins after it has locked the share
 * that the last transaction of the old one held). Then A's id is lower than B's; and whoever sees B's row sees A's, too. So
 * when B is numbered here, A has its number already or gets a lower one now. A row with a lower id that is not
 * visible yet belongs to a transaction that was under way beside all those that are: nobody waits for it, and it is numbered
 * when it is there.
 */
async function numberOutbox(tx: StoreTx, limit: number): Promise<OutboxFrame[]> {
  const next = await nextOutboxNumber(tx)
  const frames = await tx.all<OutboxFrame>(
    `with taken as (
       select id, sum(count) over (order by id) - count as before
       from (select id, count from skerry_outbox where first is null order by id limit ?) as oldest)
     update skerry_outbox as o set first = ? + taken.before from taken where o.id = taken.id
     returning o.first, o.count, o.frame`,
    limit,
    next,
  )
  frames.sort((a, b) => a.first - b.first)
  const last = frames.at(-1)
  if (last) await setNextNumber(tx, last.first + last.count)
  return frames
}

export async function clearOutbox(tx: StoreTx, sent: number): Promise<void> {
  await tx.run('delete from skerry_outbox where first + count - 1 <= ?', sent)
}

/** How many events are waiting for the bus. */
export async function outboxBacklog(tx: ReadTx): Promise<number> {
  if (!numbersAtCommit(tx)) {
    const [row] = await tx.all<{ n: number }>('select coalesce(sum(count), 0) as n from skerry_outbox')
    return row?.n ?? 0
  }
  // From the numbers alone.
  const [oldest] = await tx.all<{ first: number }>('select first from skerry_outbox order by first limit 1')
  return oldest ? (await nextOutboxNumber(tx)) - oldest.first : 0
}

/** True when the bus, which has the store's events up to `mark`, has all there are. */
export async function outboxSent(tx: ReadTx, mark: number): Promise<boolean> {
  if ((await nextOutboxNumber(tx)) - 1 > mark) return false
  return numbersAtCommit(tx) || (await tx.all('select 1 from skerry_outbox where first is null limit 1')).length === 0
}

/**
 * Checked when a store meets its bus. A bus that has seen higher numbers than the store has given out means that the
 * store was deleted or restored from an older copy: what it did since is on the bus, but not in it.
 */
export function checkOutboxNumbers(store: string, nextInStore: number, markOnBus: number): void {
  if (markOnBus < nextInStore) return
  throw new SkerryError(
    'log_changed',
    `store of ${store}: the bus has its events up to number ${markOnBus}, the store gave out only ${nextInStore - 1}: ` +
      'the store was restored from an older copy. Put the newer file back; if it is lost for good, start over with an empty store, after skerry subscriptions forget',
  )
}
