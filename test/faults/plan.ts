import { type Random, seededRandom } from '../../src/ids.ts'

/** When a fault strikes, as shares of the month's effects that are there by then: the same for the same seed. */
export function moments(random: Random, count: number, from = 0.05, to = 0.75): number[] {
  const step = (to - from) / count
  return Array.from({ length: count }, (_, n) => from + (n + random() * 0.8) * step)
}

/** One sequence for each fault on each ground, whichever others run before it. */
export function randomFor(seed: string, ...names: readonly string[]): Random {
  return seededRandom(['faults', seed, ...names].join(' '))
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

/** From `least` to `most` milliseconds. */
export function between(random: Random, least: number, most: number): number {
  return least + random() * (most - least)
}
