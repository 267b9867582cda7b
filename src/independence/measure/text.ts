import type { Conflicts, Kind, LoadCounts, PairCounts } from './counts.ts'
import type { PairSums } from './fold.ts'
import { noSums, type Sums } from './strata.ts'

/** How counts and sums are kept: as JSON, names once. */

type PairText = [a: number, b: number, key: readonly LoadCounts[], moment: readonly LoadCounts[], conflicts: Conflicts]

export function secondText(pairs: readonly PairCounts[]): string {
  const kinds = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))]
  const places = new Map(kinds.map((kind, i) => [kind, i]))
  const texts = pairs.map(
    (pair): PairText =>
      [
        ...[places.get(pair.a) ?? 0, places.get(pair.b) ?? 0],
        ...[pair['same-key'], pair['same-moment'], pair.conflicts],
      ] as PairText,
  )
  return JSON.stringify({ kinds, pairs: texts })
}

export function pairsOfSecond(text: string): PairCounts[] {
  const { kinds, pairs } = JSON.parse(text) as { kinds: Kind[]; pairs: PairText[] }
  return pairs.map(([a, b, key, moment, conflicts]) => ({
    ...{ a: kinds[a] as Kind, b: kinds[b] as Kind, conflicts },
    ...{ 'same-key': key, 'same-moment': moment },
  }))
}

const sumNames = Object.keys(noSums()) as (keyof Sums)[]

const numbersOf = (sums: Sums): number[] => sumNames.map((name) => sums[name])

const sumsOf = (numbers: readonly number[]): Sums =>
  Object.assign(noSums(), Object.fromEntries(sumNames.map((name, i) => [name, numbers[i] ?? 0])))

export function sumsText(sums: PairSums): string {
  const [key, moment] = [sums['same-key'].map(numbersOf), sums['same-moment'].map(numbersOf)]
  return JSON.stringify({ key, moment, conflicts: sums.conflicts })
}

export function sumsFromText(a: Kind, b: Kind, text: string): PairSums {
  const { key, moment, conflicts } = JSON.parse(text) as { key: number[][]; moment: number[][]; conflicts: Conflicts }
  return { a, b, conflicts, 'same-key': key.map(sumsOf), 'same-moment': moment.map(sumsOf) }
}
