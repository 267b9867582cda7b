import type { Covered } from './coverage.ts'
import type { Example } from './example.ts'
import type { Level } from './levels.ts'
import type { Taken } from './recorded.ts'
import type { Named } from './troubles.ts'

export type Verdict = 'independent' | 'dependent' | 'declared' | 'not exercised' | 'withheld'

/** What was found for one level of one pair of event types in one service. */
export interface Cell {
  readonly service: string
  readonly a: string
  readonly b: string
  readonly level: Level
  /** In the orders that the subscription allows, or in any. */
  readonly as: 'contract' | 'unordered'
  readonly verdict: Verdict
  readonly declared: boolean
  /** The application comes there by itself; false for what was only made up. */
  readonly reachable: boolean
  readonly trials: number
  readonly touched: number
  /** Number of its example, for `--replay`; null without one. */
  readonly example: number | null
}

/** What went wrong with everything together. */
export interface WholeFinding {
  /**
   * `eventually`: it does not hold although all is quiet. `stuck`: an event is given up in one order that is handled in another.
   * `endless`: something always follows. `apart`: orders come to different ends though no pair does.
   */
  readonly kind: 'eventually' | 'stuck' | 'endless' | 'apart'
  readonly what: string
  /** What was published from outside. */
  readonly first: readonly string[]
  /** Step by step; of `apart` one of the two orders. */
  readonly order: readonly string[]
  /** Found beyond the orders that could be run one by one. */
  readonly sampled: boolean
}

/** How much of everything together was run. */
export interface Wholes {
  /** Sets of first events. */
  readonly sets: number
  /** Orders that were run because they can matter, all of those of their set or as many as the bound allows. */
  readonly schedules: number
  /** Random ones beyond. */
  readonly sampled: number
  readonly findings: readonly WholeFinding[]
}

/** A pair that was not tried, as it was asked for. */
export interface LeftOut {
  readonly service: string
  readonly a: string
  readonly b: string
  readonly why: string
}

export interface Report {
  /** What was checked, as it was named. */
  readonly name: string
  readonly seed: number
  readonly cells: readonly Cell[]
  /** Pairs that were not tried, and why. */
  readonly left: readonly LeftOut[]
  readonly examples: readonly Example[]
  /** Pairs that shared no table while some statement of theirs never ran. */
  readonly unrun: readonly { readonly service: string; readonly a: string; readonly b: string }[]
  /** Where the first statement of each handler stands, of those that ran one; events as cells name them. */
  readonly handlers: readonly { readonly service: string; readonly event: string; readonly site: string }[]
  readonly troubles: readonly Named[]
  /** What could not be done at all: an event that cannot be made, a declaration that nothing confirms. */
  readonly problems: readonly string[]
  /** All services together. */
  readonly wholes: Wholes
  /** What of the handlers ran; `undefined` where it could not be counted. */
  readonly covered: Covered | undefined
  /** What must hold beside what always must. */
  readonly claims: readonly Claim[]
  /** What of recorded events was used; `undefined` without any. */
  readonly recorded: Taken | undefined
  readonly pairs: number
  readonly deliveries: number
  readonly ms: number
}

/** A level that must hold: everywhere, in one service, or for one of its events as cells name it. */
export interface Claim {
  readonly level: Level
  readonly service?: string
  readonly event?: string
}

/** Levels that every pair must hold; the others only where they are claimed. */
const always: ReadonlySet<Level> = new Set(['commuting', 'race-free', 'isolated', 'redelivery', 'invariant'])

export interface Strictness {
  /** What need not be reachable. */
  readonly strict: boolean
  readonly claims: readonly Claim[]
}

/** A dependence that must be mended, or be declared. */
export function isFailure(cell: Cell, { strict, claims }: Strictness): boolean {
  if (cell.verdict !== 'dependent' || cell.as !== 'contract') return false
  return (always.has(cell.level) || claims.some((claim) => isAbout(claim, cell))) && (cell.reachable || strict)
}

/** A dependence that would have to be mended if the application reached it. */
export function isPossible(cell: Cell, strictness: Strictness): boolean {
  return !isFailure(cell, strictness) && isFailure(cell, { ...strictness, strict: true })
}

/** What is claimed of an event that comes again says nothing about what comes in between. */
function isAbout({ level, service, event }: Claim, cell: Cell): boolean {
  if (level !== cell.level || (service !== undefined && service !== cell.service)) return false
  return event === undefined || event === cell.a || (event === cell.b && level !== 'republication')
}

/** The share of generated cases that may differ all the same, at 95 %, after so many without a difference: 3/n. */
export function boundAfter(touched: number): number {
  return touched === 0 ? 1 : Math.min(1, 3 / touched)
}
