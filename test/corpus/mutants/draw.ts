import { seededRandom } from '../../../src/ids.ts'

/** So many of a list, drawn by the seed, in the list's order. */
export function draw<T>(list: readonly T[], most: number, seed: string): T[] {
  const random = seededRandom(seed)
  const ranked = list.map((_, at) => ({ at, rank: random() })).sort((a, b) => a.rank - b.rank)
  const taken = new Set(ranked.slice(0, most).map(({ at }) => at))
  return list.filter((_, at) => taken.has(at))
}
