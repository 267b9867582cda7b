/** Simulations with fixed seeds: how often the tests err, and how often they find what is there. */
import { type Random, seededRandom } from '../../src/ids.ts'
import { pValue, pValueOnce } from '../../src/independence/measure/evidence.ts'
import { finest, type Rungs } from '../../src/independence/measure/ladder.ts'
import { unitsNeeded } from '../../src/independence/measure/sample.ts'
import { addSums, noSums, type Sums } from '../../src/independence/measure/strata.ts'
import { falseDiscoveryRate, judge, type Verdict } from '../../src/independence/measure/verdict.ts'
import { live, seconds, type World } from './world.ts'

const quiet: World = { rateA: 0.05, rateB: 0.05, oddsRatio: 1, loadPower: 0 }

export const worlds = {
  quiet,
  'moderate load': { ...quiet, loadPower: 0.7 },
  'heavy load': { ...quiet, loadPower: 1.5 },
  'shared outages': { ...quiet, rateA: 0.02, rateB: 0.02, outages: { apartS: 1800, lastS: 90, rate: 0.5 } },
  'load and outages': { ...quiet, loadPower: 1, outages: { apartS: 1800, lastS: 90, rate: 0.4 } },
  'rare failures': { ...quiet, rateA: 0.004, rateB: 0.004, loadPower: 0.7 },
} satisfies Record<string, World>

function alone(world: World, windows: number, random: Random): Rungs {
  return live(world, seconds(world, windows, random), random)
}

export interface Size {
  readonly runs: number
  /** Share of runs with p ≤ level, of a single look and of the watcher's p. */
  readonly once: number
  readonly watched: number
  /** Without strata of time and load: what everybody would see who just counts. */
  readonly pooled: number
  readonly verdicts: Readonly<Record<Verdict, number>>
}

/** How often independent pairs are taken for dependent. */
export function sizeIn(world: World, level: number, runs: number, windows: number, seed: string): Size {
  const verdicts = noVerdicts()
  let [once, watched, pooled] = [0, 0, 0]
  for (let run = 0; run < runs; run++) {
    const rungs = alone(world, windows, seededRandom(`${seed} ${run}`))
    const sums = finest(rungs)
    if (pValueOnce(sums) <= level) once++
    if (pValue(sums) <= level) watched++
    if (pValueOnce(crude(sums)) <= level) pooled++
    verdicts[judge([rungs])[0]?.verdict as Verdict]++
  }
  return { runs, once: once / runs, watched: watched / runs, pooled: pooled / runs, verdicts }
}

/** One table for all. */
function crude({ units, failedA, failedB, joint }: Sums): Sums {
  const expected = (failedA * failedB) / units
  return {
    ...{ units, failedA, failedB, joint, expected, r: 0, s: 0, pr: 0, mixed: 0, qs: 0 },
    variance: (expected * (units - failedA) * (units - failedB)) / (units * (units - 1)),
  }
}

const noVerdicts = (): Record<Verdict, number> => ({
  dependent: 0,
  'dependent-but-small': 0,
  'independent-within-margin': 0,
  'common-cause': 0,
  'cannot-tell-yet': 0,
})

/** How often an independent pair is ever called dependent by whoever looks every day for a month. */
export function peeking(
  world: World,
  level: number,
  runs: number,
  windowsADay: number,
  seed: string,
): Pick<Size, 'once' | 'watched'> {
  let [once, watched] = [0, 0]
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(`${seed} ${run}`)
    const sums = noSums()
    let ever = { once: false, watched: false }
    for (let day = 1; day <= 30; day++) {
      addSums(sums, finest(alone(world, windowsADay, random)))
      ever = { once: ever.once || pValueOnce(sums) <= level, watched: ever.watched || pValue(sums) <= level }
    }
    once += Number(ever.once)
    watched += Number(ever.watched)
  }
  return { once: once / runs, watched: watched / runs }
}

export interface Discovery {
  readonly runs: number
  /** Mean share of false ones among what was called dependent. */
  readonly falseDiscovery: number
  /** Share of the dependent pairs that were found. */
  readonly power: number
  readonly wrongIndependent: number
  readonly undecided: number
}

/** Five hundred pairs that live through the same load and outages, of which 25 are dependent. */
export function discovery(world: World, oddsRatio: number, runs: number, windows: number, seed: string): Discovery {
  let [falseShare, found, wrong, undecided] = [0, 0, 0, 0]
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(`${seed} ${run}`)
    const through = [...seconds(world, windows, random)]
    const dependent = { ...world, oddsRatio }
    const pairs = Array.from({ length: 500 }, (_, i) => live(i < 25 ? dependent : world, through, random))
    const verdicts = judge(pairs).map(({ verdict }) => verdict)
    const called = verdicts.map((verdict) => verdict === 'dependent' || verdict === 'dependent-but-small')
    const truly = called.slice(0, 25).filter(Boolean).length
    const wrongly = called.slice(25).filter(Boolean).length
    falseShare += wrongly / Math.max(1, truly + wrongly)
    found += truly
    wrong += verdicts.slice(0, 25).filter((verdict) => verdict === 'independent-within-margin').length
    undecided += verdicts.filter((verdict) => verdict === 'cannot-tell-yet').length
  }
  return {
    runs,
    falseDiscovery: falseShare / runs,
    power: found / (25 * runs),
    wrongIndependent: wrong / (25 * runs),
    undecided: undecided / (500 * runs),
  }
}

export interface Power {
  readonly runs: number
  /** Stated on average. */
  readonly windows: number
  readonly found: number
  readonly independent: number
}

/** The verdicts at the sample sizes that the measure states for such a pair, judged as one of `pairs`. */
export function powerAtStated(world: World, pairs: number, runs: number, seed: string): Power {
  const others = Array.from({ length: pairs - 1 }, () => live(world, [], seededRandom('')))
  let [found, independent, stated] = [0, 0, 0]
  for (let run = 0; run < runs; run++) {
    const windows = statedFor(world, pairs, `${seed} ${run}`)
    const rungs = alone(world, windows, seededRandom(`${seed} ${run}`))
    const verdict = judge([rungs, ...others])[0]?.verdict
    stated += windows
    if (verdict === 'dependent' || verdict === 'dependent-but-small') found++
    if (verdict === 'independent-within-margin') independent++
  }
  return { runs, windows: Math.round(stated / runs), found: found / runs, independent: independent / runs }
}

/** How often a dependent pair is called independent, at a sample of this size. */
export function wrongIndependent(world: World, runs: number, windows: number, seed: string): number {
  let wrong = 0
  for (let run = 0; run < runs; run++) {
    const rungs = alone(world, windows, seededRandom(`${seed} ${run}`))
    if (judge([rungs])[0]?.verdict === 'independent-within-margin') wrong++
  }
  return wrong / runs
}

/** What the measure says is needed in all, when it has seen a quarter of that or so. */
function statedFor(world: World, pairs: number, seed: string): number {
  const pilot = finest(alone(world, 10_000, seededRandom(`${seed} pilot`)))
  return unitsNeeded(pilot, falseDiscoveryRate / pairs) ?? Number.POSITIVE_INFINITY
}
