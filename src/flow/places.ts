import type { EventRecord, Position } from '../event.ts'
import type { Cursor, Work } from './state.ts'

/** The entity within its stream; order holds within it. */
export const keyId = (stream: string, key: string): string => `${stream}\n${key}`

export const workKey = (work: Work): string => keyId(work.delivery.stream, work.delivery.record.key)

export const placeId = (stream: string, position: Position): string => `${stream}\n${position}`

export const placeOf = (work: Work): string => placeId(work.delivery.stream, work.delivery.position)

/** The bytes that a work holds in memory, roughly: its data and a constant for the rest. */
export const weightOf = (record: EventRecord): number => record.data.length + 400

/** Positions remembered for one key before the log is searched for them instead. */
export const knownLimit = 256

/** The position that may be committed once `done` are settled, and the works that were overtaken and need rows. */
export function advance(cursor: Cursor, done: ReadonlySet<Position>): { next: Position; overtaken: Work[] } {
  let edge = -1
  for (const position of done) if (position > edge) edge = position
  const overtaken: Work[] = []
  for (const [position, work] of cursor.open) {
    if (position > edge) return { next: position, overtaken }
    if (!done.has(position)) overtaken.push(work)
  }
  return { next: cursor.read, overtaken }
}

/** True for an event whose place in its key's line is the one it has in the log. */
export const inLine = (work: Work): boolean => work.origin !== 'exception' || work.overtaken

/** True for an event that waits for those of its key before it, and lets those after it wait. */
export const ordered = ({ task }: Work): boolean => task.kind !== 'delay' && task.kind !== 'cancel'

/** True for an event that must not run while its key waits from `first` on: what holds the key back is none of these. */
export function mustWait(work: Work, first: Position): boolean {
  return work.delayed || (ordered(work) && inLine(work) && work.delivery.position >= first)
}

/** From where on the events of a key wait when this one of them fails; `key` is in trouble already, or undefined. */
export function waitFrom(work: Work, key: { readonly first: Position } | undefined): Position {
  const { stream, position } = work.delivery
  if (inLine(work)) return position + 1
  return key?.first ?? work.share.cursors.get(stream)?.read ?? position + 1
}
