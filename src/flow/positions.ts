import type { EventRecord, Position } from '../event.ts'
import { decodeFrame, encodeRecord } from '../frame.ts'
import type { ReadTx, StoreTx } from '../store/store.ts'
import type { LaneRange } from './lanes.ts'
import type { WaitingState } from './state.ts'
import type { Attempt, Tries } from './tries.ts'

/**
 * The position of a subscription, on disk: a low-water mark for each stream and the exceptions below it. Cost is in
 * proportion to failures, not to events.
 */

/** Why an event below the mark is not settled. */
export type ExceptionState =
  /** In flight when later ones were committed. */
  'open' | 'retry' | 'delayed' | 'unknown_version'

/** A due time that never comes by itself. */
export const never = 9e15

export interface ExceptionRow {
  readonly subscription: string
  readonly stream: string
  readonly position: Position
  readonly lane: number
  readonly state: ExceptionState
  readonly due: number
  readonly key: string
  readonly id: string
  readonly tries: Tries
  /** Absent while the log still has it. */
  readonly record: EventRecord | undefined
}

interface StoredException extends Omit<ExceptionRow, 'tries' | 'record'> {
  readonly attempts: number
  readonly reruns: number
  readonly overruns: number
  readonly record: string | null
  readonly history: string | null
}

export async function putException(tx: StoreTx, row: ExceptionRow): Promise<void> {
  await tx.run(
    `insert into skerry_exception
       (subscription, stream, position, lane, state, due, key, id, attempts, reruns, overruns, record, history)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (subscription, stream, position) do update set
       state = excluded.state, due = excluded.due, attempts = excluded.attempts, reruns = excluded.reruns,
       overruns = excluded.overruns, record = excluded.record, history = excluded.history`,
    row.subscription,
    row.stream,
    row.position,
    row.lane,
    row.state,
    row.due,
    row.key,
    row.id,
    row.tries.attempts,
    row.tries.reruns,
    row.tries.overruns,
    row.record ? encodeRecord(row.record) : null,
    row.tries.history.length ? JSON.stringify(row.tries.history) : null,
  )
}

export async function deleteException(
  tx: StoreTx,
  subscription: string,
  stream: string,
  position: Position,
): Promise<void> {
  await tx.run(
    'delete from skerry_exception where subscription = ? and stream = ? and position = ?',
    subscription,
    stream,
    position,
  )
}

/** Exceptions that are due, oldest first. */
export async function dueExceptions(
  tx: ReadTx,
  subscription: string,
  lanes: LaneRange,
  now: number,
  limit: number,
  offset: number,
): Promise<ExceptionRow[]> {
  const rows = await tx.all<StoredException>(
    `select * from skerry_exception where subscription = ? and due <= ? and lane >= ? and lane < ? order by due limit ? offset ?`,
    subscription,
    now,
    lanes.from,
    lanes.to,
    limit,
    offset,
  )
  return rows.map(parseException)
}

export function parseException(row: StoredException): ExceptionRow {
  const { attempts, reruns, overruns, history, record, ...rest } = row
  const tries = { attempts, reruns, overruns, history: history ? (JSON.parse(history) as Attempt[]) : [] }
  return { ...rest, tries, record: record ? decodeFrame(record)[0] : undefined }
}

/** When the next exception falls due; undefined when none does by itself. */
export async function nextDue(tx: ReadTx, subscription: string, after: number): Promise<number | undefined> {
  const [row] = await tx.all<{ due: number }>(
    'select due from skerry_exception where subscription = ? and due > ? order by due limit 1',
    subscription,
    after,
  )
  return row && row.due < never ? row.due : undefined
}

export interface WaitingRow {
  readonly stream: string
  readonly key: string
  readonly lane: number
  readonly first: Position
  readonly state: WaitingState
}

export function waitingRows(tx: ReadTx, subscription: string, lanes: LaneRange): Promise<WaitingRow[]> {
  return tx.all<WaitingRow>(
    'select stream, key, lane, first, state from skerry_waiting where subscription = ? and lane >= ? and lane < ?',
    subscription,
    lanes.from,
    lanes.to,
  )
}

export async function putWaiting(tx: StoreTx, subscription: string, row: WaitingRow): Promise<void> {
  await tx.run(
    `insert into skerry_waiting (subscription, stream, key, lane, first, state) values (?, ?, ?, ?, ?, ?)
     on conflict (subscription, stream, key) do update set first = excluded.first, state = excluded.state`,
    subscription,
    row.stream,
    row.key,
    row.lane,
    row.first,
    row.state,
  )
}

export async function deleteWaiting(tx: StoreTx, subscription: string, stream: string, key: string): Promise<void> {
  await tx.run(
    'delete from skerry_waiting where subscription = ? and stream = ? and key = ?',
    subscription,
    stream,
    key,
  )
}

/** Where each stream must be kept from: nothing below will be read again. */
export async function retentionMarks(tx: ReadTx, subscription: string): Promise<Record<string, Position>> {
  const rows = await tx.all<{ stream: string; mark: number }>(
    `select stream, min(mark) as mark from (
       select stream, next as mark from skerry_position where subscription = ?
       union all select stream, first from skerry_waiting where subscription = ?
       union all select stream, position from skerry_exception where subscription = ? and record is null
     ) as marks group by stream`,
    subscription,
    subscription,
    subscription,
  )
  return Object.fromEntries(rows.map((row) => [row.stream, row.mark]))
}

export async function count(
  tx: StoreTx,
  subscription: string,
  lanes: LaneRange,
  name: string,
  by: number,
): Promise<void> {
  await tx.run(
    `insert into skerry_counter (subscription, lane_from, name, value) values (?, ?, ?, ?)
     on conflict (subscription, lane_from, name) do update set value = skerry_counter.value + excluded.value`,
    subscription,
    lanes.from,
    name,
    by,
  )
}
