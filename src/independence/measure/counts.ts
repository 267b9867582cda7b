/** What was counted of pairs of kinds of events, in a form that can be kept and added up. */

/** How the two events of a unit belong together: they are about the same thing, or were merely handled in the same window. */
export type Relation = 'same-key' | 'same-moment'

/** A kind of events: `subscription/stream.type`, within one service. */
export type Kind = string

/** Of one pair of kinds in one sampled second, units by class of load: [load, both, onlyA, onlyB, neither]. */
export type LoadCounts = readonly [load: number, both: number, onlyA: number, onlyB: number, neither: number]

/** Windows in which both kinds were handled, in how many of them they met on a row, or may have, and on which tables. */
export interface Conflicts {
  windows: number
  rows: number
  possible: number
  /** Transactions that PostgreSQL let run again while the other kind was in flight, sampled or not. */
  reruns: number
  tables: readonly string[]
}

export interface PairCounts {
  /** In the order of their names; they may be the same. */
  readonly a: Kind
  readonly b: Kind
  readonly 'same-key': readonly LoadCounts[]
  readonly 'same-moment': readonly LoadCounts[]
  readonly conflicts: Conflicts
}

/** What one instance counted in one second. */
export interface SecondCounts {
  /** Since 1970, in UTC. */
  readonly second: number
  readonly pairs: readonly PairCounts[]
}

export const noConflicts = (): Conflicts => ({ windows: 0, rows: 0, possible: 0, reruns: 0, tables: [] })

/** Most tables that are named for one pair: enough to know where to look. */
const mostTables = 4

export function addConflicts(to: Conflicts, more: Conflicts): void {
  to.windows += more.windows
  to.rows += more.rows
  to.possible += more.possible
  to.reruns += more.reruns
  to.tables = [...new Set([...to.tables, ...more.tables])].slice(0, mostTables)
}
