import type { Position } from '../event.ts'
import type { Random } from '../ids.ts'
import type { StoreTx } from '../store/store.ts'
import { afterOutcome } from './circuit.ts'
import { bury } from './deadletter.ts'
import { cancelledId } from './lanes.ts'
import { advance, keyId, mustWait, waitFrom, workKey } from './places.ts'
import { count, deleteException, deleteWaiting, never, putException, putWaiting } from './positions.ts'
import { setPlace } from './shares.ts'
import type { Cursor, Outcome, Reader, Share, WaitingKey, WaitingState, Work } from './state.ts'

/**
 * Records what became of a batch, within its transaction. What memory must learn of it is collected in `after` and done
 * once the commit has succeeded: until then nothing in memory has changed, so that a failed commit needs no undoing.
 */
export interface Settling {
  readonly tx: StoreTx
  readonly wall: number
  readonly monotonic: number
  readonly random: Random
  readonly after: (() => void)[]
  /** Keys in trouble as this batch leaves them; undefined for those that are out of it. */
  readonly keys: Map<Share, Map<string, WaitingKey | undefined>>
}

export async function settle(s: Settling, outcomes: ReadonlyMap<Work, Outcome>): Promise<void> {
  for (const [work, outcome] of outcomes) await settleOne(s, work, outcome)
  // Told all at once: an engine at the other end of a wire answers them together.
  const moves = [...byCursor(outcomes)].map(([cursor, { share, positions }]) => moveCursor(s, share, cursor, positions))
  await Promise.all([...moves, countOutcomes(s.tx, outcomes)])
}

async function settleOne(s: Settling, work: Work, outcome: Outcome): Promise<void> {
  if (outcome.kind === 'diverted') return settleDiverted(s, work)
  const { tx } = s
  const { reader } = work.share
  const { stream, position, record } = work.delivery
  switch (outcome.kind) {
    case 'retry':
      await putException(tx, { ...rowOf(work), state: 'retry', due: outcome.due, tries: outcome.tries })
      s.after.push(() => dueAt(reader, outcome.due))
      break
    case 'delayed':
      await putException(tx, { ...rowOf(work), state: 'delayed', due: outcome.due })
      s.after.push(() => dueAt(reader, outcome.due))
      break
    case 'unknown_version':
      await putException(tx, { ...rowOf(work), state: 'unknown_version', due: never })
      break
    case 'dead':
      await bury(tx, {
        ...{ subscription: reader.id, stream, position, lane: work.lane, key: record.key, type: record.type },
        ...{
          code: outcome.code,
          message: outcome.message,
          at: s.wall,
          attempts: outcome.tries.attempts,
          record,
          history: outcome.tries.history,
        },
      })
      await dropException(s, work)
      break
    case 'cancelled':
      await withdraw(tx, work)
      break
    default:
      if (work.usedOnce) await forgetOnce(tx, work)
      await dropException(s, work)
  }
  if (work.journaled)
    await tx.run(
      'delete from skerry_journal where subscription = ? and stream = ? and position = ?',
      reader.id,
      stream,
      position,
    )
  if (reader.ordered) await settleKey(s, work, outcome)
  const available = outcome.kind === 'retry' ? !outcome.unavailable : true
  if (work.task.kind === 'handle')
    s.after.push(() => {
      reader.circuit = afterOutcome(reader.circuit, available, s.monotonic, s.random)
    })
}

async function dropException(s: Settling, work: Work): Promise<void> {
  if (work.origin === 'exception')
    await deleteException(s.tx, work.share.reader.id, work.delivery.stream, work.delivery.position)
}

/**
 * A diverted event stands behind its key's row; a row of its own, from having been overtaken, would be a second claim.
 * Other exceptions of the key keep theirs.
 */
async function settleDiverted(s: Settling, work: Work): Promise<void> {
  if (work.overtaken) await dropException(s, work)
}

function rowOf(work: Work) {
  const { stream, position, record } = work.delivery
  return {
    subscription: work.share.reader.id,
    stream,
    position,
    lane: work.lane,
    key: record.key,
    id: record.id,
    tries: work.tries,
    record,
  }
}

/** Keeps the order of a key: who fails becomes a head of it, and those after it wait. */
async function settleKey(s: Settling, work: Work, outcome: Outcome): Promise<void> {
  const { share } = work
  const before = keyNow(s, work)
  const state = stateAfter(work, outcome)
  if (state === 'none') return
  const { stream, position, record } = work.delivery
  if (state === 'passed') {
    if (work.origin === 'waiting' && before) await passWaiting(s, share, before, position)
    else if (work.origin === 'exception' && before) await unblock(s, share, before, position)
    return
  }
  const first = waitFrom(work, before)
  const row = { stream, key: record.key, lane: work.lane, first, state }
  await putWaiting(s.tx, share.reader.id, row)
  if (share.reader.chained) await forgetOvertaken(s, work, first)
  const heads = new Set(before?.heads).add(position)
  keepKey(s, share, { ...row, heads, known: behind(work, first, before) })
}

/** A key in trouble as it is by now: earlier works of the same batch count, though memory has not learned of them. */
function keyNow(s: Settling, work: Work): WaitingKey | undefined {
  const { share } = work
  const id = workKey(work)
  const staged = s.keys.get(share)
  return staged?.has(id) ? staged.get(id) : share.waiting.get(id)
}

function keepKey(s: Settling, share: Share, key: WaitingKey): void {
  stage(s, share, key, key)
  s.after.push(() => void share.waiting.set(keyId(key.stream, key.key), key))
}

function stage(s: Settling, share: Share, { stream, key }: WaitingKey, now: WaitingKey | undefined): void {
  const staged = s.keys.get(share) ?? new Map<string, WaitingKey | undefined>()
  s.keys.set(share, staged.set(keyId(stream, key), now))
}

/** True when the events of the same key must wait for what becomes of this one. */
export function blocksKey(work: Work, outcome: Outcome): boolean {
  const state = stateAfter(work, outcome)
  return state === 'blocked' || state === 'parked'
}

function stateAfter(work: Work, outcome: Outcome): WaitingState | 'passed' | 'none' {
  if (outcome.kind === 'retry' || outcome.kind === 'unknown_version') return 'blocked'
  if (outcome.kind === 'dead') return work.share.reader.definition.options.onDead === 'continue' ? 'passed' : 'parked'
  if (outcome.kind === 'delayed' || outcome.kind === 'cancelled') return 'none'
  return 'passed'
}

/** Where the events are that now wait; undefined when they must be looked for. */
function behind(head: Work, first: Position, before: WaitingKey | undefined): Position[] | undefined {
  if (before && !before.known) return undefined
  const positions = new Set([...(before?.known ?? []), ...readBehind(head, first)])
  return [...positions].filter((position) => position >= first).sort((a, b) => a - b)
}

/** The events of the key that were read already and are in flight. */
function readBehind(head: Work, first: Position): Position[] {
  const { share, delivery } = head
  const works = new Set([
    ...(share.cursors.get(delivery.stream)?.open.values() ?? []),
    ...(share.reader.chains.get(workKey(head)) ?? []),
  ])
  const waits = (work: Work): boolean =>
    work.share === share && !work.delayed && mustWait(work, first) && work.delivery.record.key === delivery.record.key
  return [...works].filter(waits).map((work) => work.delivery.position)
}

/** Events of the key that were overtaken have rows; from now on they wait behind the key instead. */
async function forgetOvertaken(s: Settling, head: Work, first: Position): Promise<void> {
  const { stream, record } = head.delivery
  await s.tx.run(
    "delete from skerry_exception where subscription = ? and stream = ? and position >= ? and key = ? and state = 'open'",
    head.share.reader.id,
    stream,
    first,
    record.key,
  )
}

/** An event that waited behind its key was handled: the next of them may go. */
async function passWaiting(s: Settling, share: Share, key: WaitingKey, position: Position): Promise<void> {
  const row = { stream: key.stream, key: key.key, lane: key.lane, first: position + 1, state: 'released' as const }
  await putWaiting(s.tx, share.reader.id, row)
  const known = key.known?.filter((waits) => waits > position)
  keepKey(s, share, { ...row, heads: undefined, known })
}

/** A head of a key is out of the way: if it was the last, those behind it are caught up with. */
async function unblock(s: Settling, share: Share, key: WaitingKey, position: Position): Promise<void> {
  const heads = new Set(key.heads)
  heads.delete(position)
  if (heads.size > 0) return keepKey(s, share, { ...key, heads })
  if (key.known?.length === 0) {
    stage(s, share, key, undefined)
    return endWaiting(s, share, key)
  }
  const { stream, lane, first } = key
  await putWaiting(s.tx, share.reader.id, { stream, key: key.key, lane, first, state: 'released' })
  keepKey(s, share, { ...key, state: 'released', heads: undefined })
}

/** Nothing waits behind the key any more. */
export async function endWaiting(s: Pick<Settling, 'tx' | 'after'>, share: Share, key: WaitingKey): Promise<void> {
  await deleteWaiting(s.tx, share.reader.id, key.stream, key.key)
  s.after.push(() => {
    share.waiting.delete(keyId(key.stream, key.key))
    // A delayed event of this key may have been held back.
    share.reader.nextDue = 0
  })
}

/**
 * Removes the delayed event that was withdrawn, if it still waits. It cannot come later than its withdrawal: both go by
 * the same lane, in the order of the log.
 */
async function withdraw(tx: StoreTx, work: Work): Promise<void> {
  const id = cancelledId(work.delivery.record)
  await tx.run(
    "delete from skerry_exception where subscription = ? and stream = ? and id = ? and state = 'delayed'",
    work.share.reader.id,
    work.delivery.stream,
    id,
  )
}

/** Results of outside effects are for tries to come; a handled event has none. */
async function forgetOnce(tx: StoreTx, work: Work): Promise<void> {
  const { stream, record } = work.delivery
  await tx.run(
    'delete from skerry_once where subscription = ? and stream = ? and event = ?',
    work.share.reader.id,
    stream,
    record.id,
  )
}

function dueAt(reader: Reader, due: number): void {
  if (due < reader.nextDue) reader.nextDue = due
}

function byCursor(outcomes: ReadonlyMap<Work, Outcome>): Map<Cursor, { share: Share; positions: Set<Position> }> {
  const done = new Map<Cursor, { share: Share; positions: Set<Position> }>()
  for (const work of outcomes.keys()) {
    const cursor = work.share.cursors.get(work.delivery.stream)
    if (!cursor || work.origin !== 'log') continue
    const entry = done.get(cursor) ?? { share: work.share, positions: new Set<Position>() }
    entry.positions.add(work.delivery.position)
    done.set(cursor, entry)
  }
  return done
}

/** Moves the mark past what is settled; what was overtaken gets a row, so that it is not lost below the mark. */
async function moveCursor(s: Settling, share: Share, cursor: Cursor, done: ReadonlySet<Position>): Promise<void> {
  const { next, overtaken: passed } = advance(cursor, done)
  // Those whose key came into trouble in this very batch wait behind its row; one of their own would be a second claim.
  const overtaken = passed.filter((work) => !waitsBehindKey(s, work))
  for (const work of overtaken) await putException(s.tx, { ...rowOf(work), state: 'open', due: 0, record: undefined })
  await setPlace(s.tx, share.reader.id, share.lanes, cursor.stream, next)
  s.after.push(() => {
    cursor.next = next
    for (const position of done) cursor.open.delete(position)
    for (const work of overtaken) {
      cursor.open.delete(work.delivery.position)
      work.origin = 'exception'
      work.overtaken = true
      share.fetched.add(`${cursor.stream}\n${work.delivery.position}`)
    }
  })
}

function waitsBehindKey(s: Settling, work: Work): boolean {
  if (!work.share.reader.ordered) return false
  const key = keyNow(s, work)
  return key !== undefined && key.state !== 'released' && mustWait(work, key.first)
}

async function countOutcomes(tx: StoreTx, outcomes: ReadonlyMap<Work, Outcome>): Promise<void> {
  const counts = new Map<Share, Map<string, number>>()
  for (const [{ share }, outcome] of outcomes) {
    const ofShare = counts.get(share) ?? new Map<string, number>()
    counts.set(share, ofShare.set(outcome.kind, (ofShare.get(outcome.kind) ?? 0) + 1))
  }
  const all: Promise<void>[] = []
  for (const [{ reader, lanes }, ofShare] of counts) {
    for (const [name, by] of ofShare) all.push(count(tx, reader.id, lanes, name, by))
  }
  await Promise.all(all)
}
