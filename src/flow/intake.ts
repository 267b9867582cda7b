import type { Bus, Credit } from '../bus/bus.ts'
import { cancelType, type Delivery, type EventRecord, type Position } from '../event.ts'
import type { ReadTx } from '../store/store.ts'
import { cancelled, contains, laneOf } from './lanes.ts'
import { keyId, knownLimit, placeId, weightOf } from './places.ts'
import { dueExceptions, type ExceptionRow, nextDue } from './positions.ts'
import type { Cursor, HandlerEntry, Origin, Reader, Share, Task, WaitingKey, Work } from './state.ts'
import { type Tries, untried } from './tries.ts'

/** Most events and bytes that one subscription of one process has in flight. */
export const inFlightLimit: Credit = { events: 1024, bytes: 16 * 1024 * 1024 }

const readAtOnce: Credit = { events: 512, bytes: 4 * 1024 * 1024 }

/** What to do with an event, from its attributes alone; undefined when the subscription does not name its type. */
export function taskFor(
  handlers: ReadonlyMap<string, HandlerEntry>,
  record: EventRecord,
  now: number,
): Task | undefined {
  if (record.type === cancelType) {
    const back = cancelled(record)
    return back && handlers.has(back.type) ? { kind: 'cancel', id: back.id } : undefined
  }
  const entry = handlers.get(record.type)
  if (!entry) return undefined
  if (record.expires > 0 && now >= record.expires) return { kind: 'expire' }
  if (!entry.type.knows(record.version)) {
    return {
      kind: 'unknown',
      message: `${entry.type.label}: version ${record.version} is not known here (newest ${entry.type.version})`,
    }
  }
  return { kind: 'handle', type: entry.type, handler: entry.handler }
}

export function room(reader: Reader): Credit {
  return { events: inFlightLimit.events - reader.works.size, bytes: inFlightLimit.bytes - reader.bytes }
}

export function hasRoom(reader: Reader): boolean {
  return reader.works.size < inFlightLimit.events && reader.bytes < inFlightLimit.bytes
}

/** True when more of the log may be read for this share; else what is there must wait until something is settled. */
export function mayReadOn(share: Share): boolean {
  return hasRoom(share.reader) && share.waiting.size <= 100_000
}

/** Reads on in one stream of one share. Returns the works that came, and whether there may be more right now. */
export async function readOn(
  bus: Bus,
  share: Share,
  cursor: Cursor,
  wall: number,
): Promise<{ works: Work[]; more: boolean; term: string }> {
  const works: Work[] = []
  const { reader } = share
  const free = room(reader)
  const credit = { events: Math.min(free.events, readAtOnce.events), bytes: Math.min(free.bytes, readAtOnce.bytes) }
  const chunk = await bus.read(cursor.stream, cursor.read, credit)
  if (share.lost) return { works, more: false, term: '' }
  for (const delivery of chunk.events) {
    const work = fromLog(share, cursor, delivery, wall)
    if (work) works.push(work)
  }
  cursor.read = chunk.next
  if (chunk.events.length === 0) cursor.end = wall
  return { works, more: chunk.events.length > 0, term: chunk.term }
}

function fromLog(share: Share, cursor: Cursor, delivery: Delivery, wall: number): Work | undefined {
  const { reader, waiting } = share
  const { record, position } = delivery
  const handlers = reader.handlers.get(delivery.stream)
  const named = handlers && taskFor(handlers, record, wall)
  if (!named) return undefined
  // Delayed events wait in a row of their own, however late they are read: one that was withdrawn must not be handled.
  const own = record.due > 0 && (named.kind === 'handle' || named.kind === 'unknown')
  const task: Task = own ? { kind: 'delay', until: record.due } : named
  const lane = laneOf(record, position, reader.ordered)
  // Under key order a withdrawal may have another key than what it takes back: each share looks for itself.
  if (!contains(share.lanes, lane) && task.kind !== 'cancel') return undefined
  if (reader.ordered && waiting.size > 0 && task.kind !== 'delay' && task.kind !== 'cancel') {
    const key = waiting.get(keyId(delivery.stream, record.key))
    // Already on disk: the key's row covers everything above its `first`.
    if (key && position >= key.first) {
      remember(key, position)
      return undefined
    }
  }
  const work = make(share, delivery, lane, task, 'log', untried)
  cursor.open.set(position, work)
  return work
}

/** Notes that an event of a key in trouble waits. */
export function remember(key: WaitingKey, position: Position): void {
  if (!key.known) return
  if (key.known.length >= knownLimit) key.known = undefined
  else key.known.push(position)
}

function make(share: Share, delivery: Delivery, lane: number, task: Task, origin: Origin, tries: Tries): Work {
  const alone = share.cautious > 0 || tries.overruns > 0
  if (share.cautious > 0) share.cautious--
  const { reader } = share
  const work: Work = {
    share,
    delivery,
    lane,
    task,
    tries,
    origin,
    overtaken: false,
    alone,
    journaled: false,
    usedOnce: false,
    delayed: false,
    stage: { at: 'queued' },
  }
  reader.works.add(work)
  reader.bytes += weightOf(delivery.record)
  return work
}

interface Due {
  readonly row: ExceptionRow
  readonly delivery: Delivery
  readonly task: Task
}

/** Fetches what is due again: retries, delayed events, redriven dead letters, what a crash left open. */
export async function readDue(bus: Bus, tx: ReadTx, share: Share, wall: number): Promise<Work[]> {
  const { reader } = share
  const limit = Math.max(0, room(reader).events)
  const found: Due[] = []
  // Rows that are held back come first again each time: they must not stand before the others.
  for (let offset = 0, page = limit; page === limit && found.length < limit; offset += page) {
    const rows = await dueExceptions(tx, reader.id, share.lanes, wall, limit, offset)
    page = rows.length
    for (const row of rows) {
      const due = found.length < limit && (await fromException(bus, share, row, wall))
      if (due) found.push(due)
    }
  }
  if (found.length < limit)
    reader.nextDue = Math.min(reader.nextDue, (await nextDue(tx, reader.id, wall)) ?? Number.POSITIVE_INFINITY)
  else reader.nextDue = 0
  if (share.lost) return []
  // Only now, when nothing can fail any more, does memory learn of them.
  return found.map(({ row, delivery, task }) => {
    share.fetched.add(placeId(row.stream, row.position))
    const work = make(share, delivery, row.lane, task, 'exception', row.tries)
    work.delayed = row.state === 'delayed'
    return work
  })
}

async function fromException(bus: Bus, share: Share, row: ExceptionRow, wall: number): Promise<Due | undefined> {
  if (share.fetched.has(placeId(row.stream, row.position))) return undefined
  if (row.state === 'delayed' && heldBack(share, row, wall)) return undefined
  const delivery = row.record
    ? { stream: row.stream, position: row.position, record: row.record }
    : await bus.readOne(row.stream, row.position)
  const handlers = share.reader.handlers.get(row.stream)
  if (!delivery || !handlers) return undefined
  const task = taskFor(handlers, delivery.record, wall)
  return task ? { row, delivery, task } : undefined
}

const lookAgainMs = 20

/** True for a delayed event that is due, but may not have its turn yet. */
function heldBack(share: Share, row: ExceptionRow, wall: number): boolean {
  // While its key is in trouble: it takes its place when the trouble is over.
  if (share.reader.ordered && share.waiting.has(keyId(row.stream, row.key))) return true
  const cursor = share.cursors.get(row.stream)
  if (!cursor?.stale || cursor.end >= row.due) return false
  // While what was published before it was due has not been read: it may be withdrawn there.
  share.reader.nextDue = Math.min(share.reader.nextDue, wall + lookAgainMs)
  return true
}

/** Goes on with a key that is out of trouble: the next of its events that wait, in order. Empty when none is left. */
export async function readWaiting(bus: Bus, share: Share, key: WaitingKey, wall: number): Promise<Work[]> {
  const cursor = share.cursors.get(key.stream)
  const handlers = share.reader.handlers.get(key.stream)
  if (!cursor || !handlers || !hasRoom(share.reader)) return []
  const wanted = (delivery: Delivery): Task | undefined => {
    if (delivery.record.key !== key.key || delivery.record.due > 0) return undefined
    const task = taskFor(handlers, delivery.record, wall)
    return task?.kind === 'cancel' ? undefined : task
  }
  const deliveries = key.known ? await readKnown(bus, key) : await search(bus, key, cursor.read, wanted)
  if (share.lost) return []
  const works: Work[] = []
  for (const delivery of deliveries) {
    const task = wanted(delivery)
    if (task) works.push(make(share, delivery, key.lane, task, 'waiting', untried))
  }
  return works
}

const caughtUpAtOnce = 32

async function readKnown(bus: Bus, key: WaitingKey): Promise<Delivery[]> {
  const found: Delivery[] = []
  for (const position of (key.known ?? []).slice(0, caughtUpAtOnce)) {
    const delivery = await bus.readOne(key.stream, position)
    if (delivery) found.push(delivery)
  }
  return found
}

/**
 * The first events of a key between its `first` and `end`. The price of one row a key: the log in between is read. Once
 * all of them were seen, the key's list is known again.
 */
async function search(
  bus: Bus,
  key: WaitingKey,
  end: Position,
  wanted: (delivery: Delivery) => unknown,
): Promise<Delivery[]> {
  const found: Delivery[] = []
  let from = key.first
  while (from < end && found.length <= caughtUpAtOnce) {
    const chunk = await bus.read(key.stream, from, readAtOnce)
    for (const delivery of chunk.events) if (delivery.position < end && wanted(delivery)) found.push(delivery)
    if (chunk.next <= from) break
    from = chunk.next
  }
  if (found.length <= caughtUpAtOnce) key.known = found.map((delivery) => delivery.position)
  return found.slice(0, caughtUpAtOnce)
}
