/**
 * Invented services whose failures are known to be related, or known not to be. Time runs in seconds; a tenth of them, at
 * random, is sampled, in ten windows each. In every window two events are tried, one of each kind.
 */
import type { Random } from '../../src/ids.ts'
import { Ladder, type Rungs } from '../../src/independence/measure/ladder.ts'
import { loadClass } from '../../src/independence/measure/load.ts'

export interface World {
  /** Failure rates at ordinary load. */
  readonly rateA: number
  readonly rateB: number
  /** How the odds that B fails change when A failed in the same window. */
  readonly oddsRatio: number
  /** Failure rates grow with this power of the load; 0: they do not. */
  readonly loadPower: number
  /** Outages that both share: how many seconds apart on average, how long, and the rate of failures meanwhile. */
  readonly outages?: { readonly apartS: number; readonly lastS: number; readonly rate: number }
}

export const share = 0.1
const windowsPerSecond = 10

/** A second that was sampled: what every pair in it has in common. */
interface Second {
  readonly at: number
  readonly out: boolean
  readonly windows: readonly Window[]
}

interface Window {
  /** Class of its load, from 0. */
  readonly load: number
  /** By how much that raises the rates of failure. */
  readonly strain: number
}

/** Sampled seconds until there are so many windows. The load has a wave of an hour, one of two minutes, and noise. */
export function* seconds(world: World, windows: number, random: Random): Generator<Second> {
  let nextOutage = world.outages ? -Math.log(random()) * world.outages.apartS : Number.POSITIVE_INFINITY
  const phase = random() * 120
  for (let t = 0, sampled = 0; sampled < windows; t++) {
    if (world.outages && t > nextOutage + world.outages.lastS)
      nextOutage = t - Math.log(random()) * world.outages.apartS
    if (random() >= share) continue
    const level = Math.exp(0.6 * Math.sin((2 * Math.PI * t) / 3600) + 0.4 * Math.sin((2 * Math.PI * (t + phase)) / 120))
    const windows = Array.from({ length: windowsPerSecond }, () => windowOf(world, level * (0.5 + random())))
    yield { at: t, out: t >= nextOutage, windows }
    sampled += windowsPerSecond
  }
}

/** An ordinary window has so many events. */
const ordinaryEvents = 24
function windowOf({ loadPower }: World, load: number): Window {
  return { load: loadClass(load * ordinaryEvents), strain: loadPower === 0 ? 1 : load ** loadPower }
}

const mostClasses = 24

/** The strata of one pair that lives through these seconds. */
export function live(world: World, through: Iterable<Second>, random: Random): Rungs {
  const ladder = new Ladder()
  // Four counts for each class of load: neither, only B, only A, both.
  const counts = new Uint32Array(4 * mostClasses)
  for (const second of through) {
    counts.fill(0)
    for (const window of second.windows) {
      const a = random() < rate(world, world.rateA, window, second.out)
      const b = random() < given(a, world, rate(world, world.rateB, window, second.out))
      counts[4 * window.load + 2 * Number(a) + Number(b)]! += 1
    }
    for (let load = 0; load < mostClasses; load++) {
      const of = (failed: number): number => counts[4 * load + failed] as number
      const table = { both: of(3), onlyA: of(2), onlyB: of(1), neither: of(0) }
      if (table.both + table.onlyA + table.onlyB + table.neither > 0) ladder.add(second.at, load, table)
    }
  }
  return ladder.close()
}

function rate({ outages }: World, ordinary: number, { strain }: Window, out: boolean): number {
  return out && outages ? outages.rate : Math.min(0.9, ordinary * strain)
}

function given(failedA: boolean, { oddsRatio }: World, p: number): number {
  if (!failedA || oddsRatio === 1) return p
  const odds = (p / (1 - p)) * oddsRatio
  return odds / (1 + odds)
}
