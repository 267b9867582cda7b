import type { EventRecord, Position } from '../event.ts'
import { cancelType } from '../event.ts'
import { laneCount, laneOfKey } from '../keys.ts'

export interface LaneRange {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/**
 * The lane of an event: under key order by its key, so that one process sees the whole key; else by its place, which
 * spreads evenly. A delayed event and its withdrawal must meet in one process, so both go by the delayed event's id.
 */
export function laneOf(record: EventRecord, position: Position, ordered: boolean): number {
  if (ordered) return laneOfKey(record.key)
  if (record.type === cancelType) return laneOfKey(cancelledId(record))
  if (record.due > 0) return laneOfKey(record.id)
  return position % laneCount
}

/** The id of the event that a withdrawal takes back; '' for one that makes no sense. */
export function cancelledId(record: EventRecord): string {
  return cancelled(record)?.id ?? ''
}

/** What a withdrawal takes back; undefined for one that makes no sense, whoever wrote it. */
export function cancelled(record: EventRecord): { readonly id: string; readonly type: string } | undefined {
  try {
    const { id, type } = JSON.parse(record.data) as { id?: unknown; type?: unknown }
    return typeof id === 'string' && typeof type === 'string' ? { id, type } : undefined
  } catch {
    return undefined
  }
}

export const contains = (range: LaneRange, lane: number): boolean => lane >= range.from && lane < range.to

/** Which lanes a member should own: equal runs in the order of names, the same answer in every process. */
export function targetOf(member: string, members: readonly string[]): LaneRange {
  const sorted = [...members].sort()
  const index = sorted.indexOf(member)
  if (index < 0) return { from: 0, to: 0 }
  const edge = (i: number): number => Math.floor((i * laneCount) / sorted.length)
  return { from: edge(index), to: edge(index + 1) }
}

/** One row of the table of shares, as planning sees it. */
export interface Owned extends LaneRange {
  readonly owner: string | undefined
  readonly expired: boolean
}

export interface LanePlan {
  /** Parts of free shares to take; a part may need its row to be split. */
  readonly claim: readonly LaneRange[]
  /** Parts of own shares to hand over. */
  readonly release: readonly LaneRange[]
}

/**
 * What one member should do now. Free lanes inside its target are claimed; own lanes outside of it are released, for
 * the others to claim. Every member plans alone from the same facts; a stale view costs a round, never safety.
 */
export function planLanes(shares: readonly Owned[], me: string, members: readonly string[]): LanePlan {
  const target = targetOf(me, members)
  const claim: LaneRange[] = []
  const release: LaneRange[] = []
  for (const share of shares) {
    if (share.owner === me && !share.expired) {
      release.push(...outside(share, target))
    } else if (share.owner === undefined || share.expired || !members.includes(share.owner)) {
      const part = { from: Math.max(share.from, target.from), to: Math.min(share.to, target.to) }
      if (part.from < part.to) claim.push(part)
    }
  }
  return { claim, release }
}

function outside(share: LaneRange, target: LaneRange): LaneRange[] {
  const parts = [
    { from: share.from, to: Math.min(share.to, target.from) },
    { from: Math.max(share.from, target.to), to: share.to },
  ]
  if (target.from >= target.to) return [{ from: share.from, to: share.to }]
  return parts.filter((part) => part.from < part.to)
}
