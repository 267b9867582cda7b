import type { Incarnation, Lineage } from '../bus/bus.ts'
import { SkerryError } from '../errors.ts'
import type { Position } from '../event.ts'

/** What a store remembers of its bus. */
export interface KnownBus {
  readonly bus: string
  /** Token of the newest writer's term that it has seen. */
  readonly incarnation: string
}

export interface PositionLimit {
  readonly subscription: string
  readonly position: Position
}

/**
 * Decides whether a bus is the one that a store knows, and not an older state of it. `highest` is the store's furthest
 * position. Throws `log_changed`; a pure function of what both remember.
 */
export function checkLineage(
  service: string,
  lineage: Lineage,
  known: KnownBus | undefined,
  highest: PositionLimit | undefined,
): void {
  if (!known) return
  const refuse = (why: string): never => {
    throw new SkerryError(
      'log_changed',
      `${service}: ${why}. Put the bus file back that this store was used with; if its events are lost for good, start over with new store files`,
    )
  }
  if (lineage.bus !== known.bus)
    refuse('this is another bus than the one that its store knows (deleted and made anew?)')
  const seen = lineage.incarnations.findIndex((term) => term.token === known.incarnation)
  if (seen < 0) refuse('the bus does not remember a writer that the store has seen: it was restored from an older copy')
  if (!highest) return
  const overwritten: Incarnation | undefined = lineage.incarnations[seen + 1]
  const end = overwritten?.start ?? lineage.head
  if (highest.position > end) {
    refuse(
      `${highest.subscription} has handled events up to ${highest.position}, the bus holds them only up to ${end}: it was restored from an older copy`,
    )
  }
}

/** True for a term that is later than another; the first part of a token is its number. */
export function isLater(token: string, than: string | undefined): boolean {
  return than === undefined || Number.parseInt(token, 10) > (Number.parseInt(than, 10) || 0)
}

/** The newest term: what a store records once it has checked. */
export function newestIncarnation(lineage: Lineage): string {
  return lineage.incarnations.at(-1)?.token ?? ''
}

/** For a store that is behind what it once told the bus to be done with: it was restored from an older copy. */
export function olderStore(
  subscription: string,
  stream: string,
  position: Position,
  acknowledged: Position,
): SkerryError {
  return new SkerryError(
    'log_changed',
    `${subscription}: its store has handled ${stream} up to ${position}, but an earlier state of it was at ${acknowledged}: ` +
      'the store was restored from an older copy. Put the newer file back; what it handled since would happen twice',
  )
}
