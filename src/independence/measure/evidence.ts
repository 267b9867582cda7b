import type { Sums } from './strata.ts'

/**
 * Upper tail of the normal distribution beyond z ≥ 0, to a relative error of 1.2e-7: the Chebyshev fit of W. H. Press et
 * al., Numerical Recipes in C (2nd ed., 1992), §6.2, `erfcc`.
 */
export function normalTail(z: number): number {
  const x = z / Math.SQRT2
  const t = 1 / (1 + x / 2)
  const fit = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ]
  const polynomial = fit.reduceRight((sum, c) => sum * t + c, 0)
  return (t * Math.exp(-x * x + polynomial)) / 2
}

/**
 * Two-sided mid-p of a Poisson count: half of what was seen counts as extreme (H. O. Lancaster, JASA 56 (1961) 223–234).
 * For few expected joint failures, where the normal tail is far too generous.
 */
export function poissonMidP(seen: number, mean: number): number {
  if (mean <= 0) return 1
  let logFactorial = 0
  for (let k = 2; k <= seen; k++) logFactorial += Math.log(k)
  const at = Math.exp(seen * Math.log(mean) - mean - logFactorial)
  let tail = at / 2
  // The tail on the side on which it lies: the other one is more than a half.
  if (seen > mean) for (let [k, term] = [seen, at]; term > tail * 1e-12; tail += term) term *= mean / ++k
  else for (let [k, term] = [seen, at]; k > 0; tail += term) term *= k-- / mean
  return Math.min(1, 2 * tail)
}

/** Below so many expected joint failures the normal tail is not trusted. */
const fewExpected = 30

/**
 * Two-sided p-value for no association within the strata, looked at once: the test of Cochran, Mantel and Haenszel without
 * continuity correction, or Poisson's mid-p when little is expected.
 */
export function pValueOnce({ joint, expected, variance }: Sums): number {
  if (variance <= 0) return 1
  if (expected < fewExpected) return poissonMidP(joint, expected)
  return Math.min(1, 2 * normalTail(Math.abs(joint - expected) / Math.sqrt(variance)))
}

/** The variance at which watching costs least; about that of the smallest sample that can decide. */
const tunedTo = 4

/**
 * Logarithm of the evidence against no association: a mixture of likelihood ratios over normal effects, which stays a
 * martingale while one watches (H. Robbins, Ann. Math. Stat. 41 (1970) 1397–1409; S. R. Howard et al., Ann. Statist. 49
 * (2021) 1055–1080). P(ever ≥ ln(1/α)) ≤ α, as far as the normal approximation holds.
 */
export function logEvidence({ joint, expected, variance }: Sums): number {
  const u = joint - expected
  return (u * u) / (2 * (variance + tunedTo)) - Math.log1p(variance / tunedTo) / 2
}

/** A p-value that may be looked at as often as one likes: the watcher's, and never below that of a single look. */
export function pValue(sums: Sums): number {
  return Math.max(pValueOnce(sums), Math.min(1, Math.exp(-logEvidence(sums))))
}

/**
 * How many standard errors an association must show at a variance `v` until it passes `pValue` ≤ `level`: the inverse
 * of `logEvidence`.
 */
export function standardErrorsFor(level: number, v: number): number {
  return Math.sqrt(2 * (1 + tunedTo / v) * (Math.log(1 / level) + Math.log1p(v / tunedTo) / 2))
}
