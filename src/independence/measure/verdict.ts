import { discoveries } from './discovery.ts'
import { pValue } from './evidence.ts'
import { finest, type Rungs } from './ladder.ts'
import { unitsNeeded } from './sample.ts'
import { type Interval, oddsRatio, type Sums } from './strata.ts'

/** None of them is a proof: each says what has been seen so far, within strata of a second and a class of load. */
export type Verdict =
  /** Failures go together (or avoid one another) by more than `slight`. */
  | 'dependent'
  /** They do, though by how little `slight` may say. */
  | 'dependent-but-small'
  /** If they do, then by less than `margin`. */
  | 'independent-within-margin'
  /** They do over longer times and not within a second: something strikes both. */
  | 'common-cause'
  | 'cannot-tell-yet'

export interface Judged {
  readonly verdict: Verdict
  /** With its 95 % interval. */
  readonly oddsRatio: Interval
  /** That over the widest strata, with its 95 % interval. */
  readonly widest: Interval
  readonly pValue: number
  readonly units: number
  readonly failedA: number
  readonly failedB: number
  readonly joint: number
  /** How many more units would decide, with a power of 0.9; 0 when it is decided, null while nobody can say. */
  readonly needed: number | null
}

/** Share of false ones among the pairs that are called dependent, at most. */
export const falseDiscoveryRate = 0.05
/** Odds ratios within 1/1.2–1.2 are small. */
export const slight = 1.2
/** Odds ratios within 1/1.5–1.5 count as independence. */
export const margin = 1.5

const z95 = 1.959964
/** Two one-sided tests at 5 % are an interval of 90 % (D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657–680). */
const z90 = 1.644854

/** Judges all pairs together, since the more there are the more of them look striking by chance. */
export function judge(pairs: readonly Rungs[]): Judged[] {
  const p = pairs.map((rungs) => pValue(finest(rungs)))
  const found = discoveries(p, falseDiscoveryRate)
  const wide = pairs.map((rungs) => pValue(widest(rungs)))
  const foundWide = discoveries(wide, falseDiscoveryRate)
  return pairs.map((rungs, i) => {
    const sums = finest(rungs)
    const seen = { finest: oddsRatio(sums, z95), widest: oddsRatio(widest(rungs), z95) }
    const verdict = decide(sums, seen, found[i] as boolean, foundWide[i] as boolean)
    const decided = verdict !== 'cannot-tell-yet'
    return {
      verdict,
      oddsRatio: seen.finest,
      widest: seen.widest,
      pValue: p[i] as number,
      ...{ units: sums.units, failedA: sums.failedA, failedB: sums.failedB, joint: sums.joint },
      needed: decided ? 0 : missing(sums, pairs.length),
    }
  })
}

const widest = (rungs: Rungs): Sums => rungs[0] as Sums

function decide(
  sums: Sums,
  seen: { readonly finest: Interval; readonly widest: Interval },
  found: boolean,
  foundWide: boolean,
): Verdict {
  if (found) return outside(seen.finest, slight) ? 'dependent' : 'dependent-but-small'
  if (foundWide && outside(seen.widest, slight) && !holds(seen.finest, seen.widest.value)) return 'common-cause'
  const { low, high } = oddsRatio(sums, z90)
  return low > 1 / margin && high < margin ? 'independent-within-margin' : 'cannot-tell-yet'
}

const outside = ({ low, high }: Interval, bound: number): boolean => low > bound || high < 1 / bound

const holds = ({ low, high }: Interval, value: number): boolean => low <= value && value <= high

function missing(sums: Sums, pairs: number): number | null {
  const all = unitsNeeded(sums, falseDiscoveryRate / pairs)
  return all === undefined ? null : Math.max(1, all - sums.units)
}
