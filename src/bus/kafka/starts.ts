import { SkerryError } from '../../errors.ts'
import { changed } from './topics.ts'

/** What is known of a partition when a process begins to read it. */
export interface Standing {
  readonly topic: string
  readonly partition: number
  /** Where the store is; 0 when it has taken nothing yet. */
  readonly stored: number
  /** Where it was to begin, recorded when the consumer was first known; 0 for a partition that came later. */
  readonly start: number
  /** Offset of the first message that is still there, and of the next that will come. */
  readonly first: number
  readonly next: number
}

/** Where reading begins. Throws `position_lost` and `log_changed`; a pure function. */
export function placeOf({ topic, partition, stored, start, first, next }: Standing): number {
  const place = Math.max(stored, start)
  if (place > next)
    throw changed(topic, `the store has read to ${place} of partition ${partition}, and the partition ends at ${next}`)
  if (place < first)
    throw new SkerryError(
      'position_lost',
      `topic ${topic} dropped messages ${place} to ${first - 1} of partition ${partition} before they were taken in: lengthen ` +
        'its retention.ms or retention.bytes; begin anew with an empty store',
    )
  return place
}

/** A store that is behind what it said it has was restored from an older copy. */
export function checkCommitted(who: string, source: string, place: number, committed: number): void {
  if (committed <= place) return
  throw new SkerryError(
    'log_changed',
    `${who}: the store is at ${place} of ${source}, but had come to ${committed}: it was restored from an older copy, and would handle ` +
      'again what it handled. Bring the newest copy back, or begin anew with an empty store',
  )
}
