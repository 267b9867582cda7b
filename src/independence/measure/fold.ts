import { addConflicts, type Conflicts, type Kind, noConflicts, type Relation, type SecondCounts } from './counts.ts'
import { addRungs, Ladder, noRungs, type Rungs } from './ladder.ts'

/** All that is kept of one pair of kinds, however long it was measured. */
export interface PairSums {
  readonly a: Kind
  readonly b: Kind
  readonly 'same-key': Rungs
  readonly 'same-moment': Rungs
  readonly conflicts: Conflicts
}

export const relations: readonly Relation[] = ['same-key', 'same-moment']

export const pairId = ({ a, b }: { readonly a: Kind; readonly b: Kind }): string => `${a}\n${b}`

/**
 * Folds what one instance counted, second by second in the order of time. Of a time that is not over yet the sums are
 * provisional: they must not be added to later ones of the same hour.
 */
export function fold(seconds: readonly SecondCounts[]): PairSums[] {
  const ladders = new Map<string, { a: Kind; b: Kind; ladders: Record<Relation, Ladder>; conflicts: Conflicts }>()
  for (const { second, pairs } of seconds) {
    for (const pair of pairs) {
      const known = ladders.get(pairId(pair)) ?? {
        a: pair.a,
        b: pair.b,
        ladders: { 'same-key': new Ladder(), 'same-moment': new Ladder() },
        conflicts: noConflicts(),
      }
      ladders.set(pairId(pair), known)
      for (const relation of relations)
        for (const [load, both, onlyA, onlyB, neither] of pair[relation])
          known.ladders[relation].add(second, load, { both, onlyA, onlyB, neither })
      addConflicts(known.conflicts, pair.conflicts)
    }
  }
  return [...ladders.values()].map(({ a, b, ladders: of, conflicts }) => ({
    ...{ a, b, conflicts },
    'same-key': of['same-key'].close(),
    'same-moment': of['same-moment'].close(),
  }))
}

/** Sums of other instances, hours and days as one. */
export function merge(all: Iterable<PairSums>): PairSums[] {
  const merged = new Map<string, PairSums>()
  for (const one of all) {
    const { a, b } = one
    const known = merged.get(pairId(one)) ?? {
      ...{ a, b, conflicts: noConflicts() },
      ...{ 'same-key': noRungs(), 'same-moment': noRungs() },
    }
    merged.set(pairId(one), known)
    for (const relation of relations) addRungs(known[relation], one[relation])
    addConflicts(known.conflicts, one.conflicts)
  }
  return [...merged.values()].sort((one, other) => (pairId(one) < pairId(other) ? -1 : 1))
}
