import type { Conflicts, Kind, Relation } from './counts.ts'
import { type PairSums, relations } from './fold.ts'
import { type Judged, judge } from './verdict.ts'
import { wilson } from './wilson.ts'

/** One line of what was measured: a pair of kinds, in one relation. */
export interface Measured extends Judged {
  readonly service: string
  readonly a: Kind
  readonly b: Kind
  readonly relation: Relation
  readonly conflicts: ConflictShare
}

/** Share of the windows with both kinds in which they touched the same row and one of them wrote, with its 95 % interval. */
export interface ConflictShare extends Conflicts {
  readonly share: { readonly value: number; readonly low: number; readonly high: number } | undefined
}

const z95 = 1.959964

/**
 * Judges all pairs of all services together. Of each relation that has units there is a line, and at least one for each pair, so that
 * conflicts are seen that no outcome tells of.
 */
export function report(services: ReadonlyMap<string, readonly PairSums[]>): Measured[] {
  const lines = [...services].flatMap(([service, pairs]) =>
    pairs.flatMap((pair) => relationsOf(pair).map((relation) => ({ service, pair, relation }))),
  )
  const judged = judge(lines.map(({ pair, relation }) => pair[relation]))
  return lines
    .map(({ service, pair: { a, b, conflicts }, relation }, i) => ({
      ...{ service, a, b, relation },
      ...(judged[i] as Judged),
      conflicts: { ...conflicts, share: wilson(conflicts.rows, conflicts.windows, z95) },
    }))
    .sort((one, other) => rank(one) - rank(other))
}

function relationsOf(pair: PairSums): Relation[] {
  const measured = relations.filter((relation) => (pair[relation][0]?.units ?? 0) > 0)
  return measured.length > 0 ? measured : ['same-moment']
}

const ranks = ['dependent', 'dependent-but-small', 'common-cause', 'cannot-tell-yet', 'independent-within-margin']

const rank = ({ verdict }: Judged): number => ranks.indexOf(verdict)
