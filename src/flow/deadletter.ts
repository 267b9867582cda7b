import { SkerryError } from '../errors.ts'
import type { EventRecord, Position } from '../event.ts'
import { decodeFrame, encodeRecord } from '../frame.ts'
import { derivedId } from '../ids.ts'
import type { ReadTx, StoreTx } from '../store/store.ts'
import { putException } from './positions.ts'
import type { Attempt } from './tries.ts'

/** An event whose handler gave up: kept whole, with all its tries. */
export interface DeadLetter {
  readonly id: string
  readonly subscription: string
  readonly stream: string
  readonly position: Position
  readonly lane: number
  readonly key: string
  readonly type: string
  readonly code: string
  readonly message: string
  readonly at: number
  readonly attempts: number
  readonly record: EventRecord
  readonly history: readonly Attempt[]
}

type Stored = Omit<DeadLetter, 'record' | 'history'> & { readonly record: string; readonly history: string }

/** A dead letter's id is short to type, and the same however often the same event dies. */
export function deadLetterId(subscription: string, stream: string, position: Position): string {
  return derivedId(subscription, stream, String(position)).replaceAll('-', '').slice(0, 12)
}

export async function bury(tx: StoreTx, dead: Omit<DeadLetter, 'id'>): Promise<void> {
  await tx.run(
    `insert into skerry_dead (id, subscription, stream, position, lane, key, type, code, message, at, attempts, record, history)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (id) do update set code = excluded.code, message = excluded.message, at = excluded.at,
       attempts = excluded.attempts, record = excluded.record, history = excluded.history`,
    deadLetterId(dead.subscription, dead.stream, dead.position),
    dead.subscription,
    dead.stream,
    dead.position,
    dead.lane,
    dead.key,
    dead.type,
    dead.code,
    // PostgreSQL's texts hold every character but this one, and errors quote what they could not read.
    dead.message.replaceAll('\0', '\\0'),
    dead.at,
    dead.attempts,
    encodeRecord(dead.record),
    JSON.stringify(dead.history),
  )
}

export async function listDead(tx: ReadTx, limit: number, offset = 0): Promise<DeadLetter[]> {
  const rows = await tx.all<Stored>('select * from skerry_dead order by at, id limit ? offset ?', limit, offset)
  return rows.map(parse)
}

/** Throws `not_found`. */
export async function showDead(tx: ReadTx, id: string): Promise<DeadLetter> {
  const [row] = await tx.all<Stored>('select * from skerry_dead where id = ?', id)
  if (!row) throw new SkerryError('not_found', `no dead letter ${id}; see them with: skerry dead list`)
  return parse(row)
}

function parse(row: Stored): DeadLetter {
  return { ...row, record: decodeFrame(row.record)[0] as EventRecord, history: JSON.parse(row.history) as Attempt[] }
}

/** Repairs the body of a dead letter; it stays dead until it is redriven. `data` is JSON text. */
export async function editDead(tx: StoreTx, id: string, data: string): Promise<void> {
  const dead = await showDead(tx, id)
  let line: string
  try {
    line = JSON.stringify(JSON.parse(data))
  } catch (cause) {
    throw new SkerryError('invalid_event', `dead letter ${id}: the new body is not JSON`, { cause })
  }
  await tx.run('update skerry_dead set record = ? where id = ?', encodeRecord({ ...dead.record, data: line }), id)
}

/** Hands a dead letter back to its subscription, with a fresh count of attempts and its history kept. */
export async function redriveDead(tx: StoreTx, id: string): Promise<void> {
  const dead = await showDead(tx, id)
  const tries = { attempts: 0, reruns: 0, overruns: 0, history: dead.history }
  await putException(tx, {
    subscription: dead.subscription,
    stream: dead.stream,
    position: dead.position,
    lane: dead.lane,
    state: 'retry',
    due: 0,
    key: dead.key,
    id: dead.record.id,
    tries,
    record: dead.record,
  })
  await tx.run(
    "update skerry_waiting set state = 'blocked' where subscription = ? and stream = ? and key = ?",
    dead.subscription,
    dead.stream,
    dead.key,
  )
  // Whoever redrives has looked whether an effect in doubt happened: an intent without a result is begun anew.
  await tx.run(
    'delete from skerry_once where subscription = ? and stream = ? and event = ? and result is null',
    dead.subscription,
    dead.stream,
    dead.record.id,
  )
  await tx.run('delete from skerry_dead where id = ?', id)
}

/** Gives a dead letter up; the events that waited behind it go on. */
export async function discardDead(tx: StoreTx, id: string): Promise<void> {
  const dead = await showDead(tx, id)
  await tx.run(
    "update skerry_waiting set state = 'released' where subscription = ? and stream = ? and key = ?",
    dead.subscription,
    dead.stream,
    dead.key,
  )
  await tx.run('delete from skerry_dead where id = ?', id)
}
