import { standardErrorsFor } from './evidence.ts'
import type { Sums } from './strata.ts'

/** An effect that is worth finding: the odds of failing twice as high. */
const worthFinding = 2
const powerZ = 1.281552
const equivalenceZ = 1.644854
const marginLog = Math.log(1.5)

/**
 * The variance V (expected joint failures, nearly) at which a pair is decided with a power of 0.9: as dependent if its odds
 * ratio is 2, as independent within the margin if it is 1. A score test gathers about V·ln θ with standard error √V
 * (D. R. Cox, D. V. Hinkley, Theoretical Statistics, 1974, §9.3); an equivalence test needs (z + z)² / ln² 1.5.
 */
export function varianceNeeded(level: number): number {
  let v = 1
  // What is to be passed grows with V, but slowly: this settles in a few rounds.
  for (let round = 0; round < 50; round++) v = ((standardErrorsFor(level, v) + powerZ) / Math.log(worthFinding)) ** 2
  return Math.max(v, ((equivalenceZ + equivalenceZ) / marginLog) ** 2)
}

/**
 * Units in all until then, as fast as they have gathered V so far; undefined while one of the two has never failed: nobody
 * can say how long that takes.
 */
export function unitsNeeded(sums: Sums, level: number): number | undefined {
  if (sums.failedA === 0 || sums.failedB === 0) return undefined
  return Math.ceil((forGoodMeasure * varianceNeeded(level)) / varianceOfOne(sums))
}

/** By what was seen, or by the two rates alone while they have hardly met. */
function varianceOfOne({ units, failedA, failedB, variance }: Sums): number {
  if (variance >= enoughToGoBy) return variance / units
  const [a, b] = [(failedA + 0.5) / (units + 1), (failedB + 0.5) / (units + 1)]
  return a * (1 - a) * b * (1 - b) * sharedWithStrata
}

const enoughToGoBy = 5
/** What a unit contributes is an estimate: stated without this, samples fell short of their power half of the time. */
const forGoodMeasure = 1.1
/** Strata of about ten units, cut by load, keep about so much of what the units hold. */
const sharedWithStrata = 0.75
