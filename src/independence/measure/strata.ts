/**
 * Failures of two kinds of events, counted in strata and folded into sums: the tests need no stratum again once it is
 * closed. Memory: one `Sums` for each pair and width, however long it runs.
 */

/** A 2 × 2 table of units: in each, one event of kind A and one of kind B were tried, and failed or not. */
export interface Table {
  readonly both: number
  readonly onlyA: number
  readonly onlyB: number
  readonly neither: number
}

/** What the tests of Mantel and Haenszel need of all strata together. */
export interface Sums {
  units: number
  failedA: number
  failedB: number
  /** Units in which both failed. */
  joint: number
  /** How many of those independence within each stratum would give, and with which variance. */
  expected: number
  variance: number
  /** Of the odds ratio: Σad/n and Σbc/n; then the terms of its variance. */
  r: number
  s: number
  pr: number
  mixed: number
  qs: number
}

export const noSums = (): Sums => ({
  ...{ units: 0, failedA: 0, failedB: 0, joint: 0, expected: 0, variance: 0 },
  ...{ r: 0, s: 0, pr: 0, mixed: 0, qs: 0 },
})

/**
 * Folds a closed stratum in. N. Mantel, W. Haenszel, J. Natl. Cancer Inst. 22 (1959) 719–748 for the test and the odds
 * ratio; J. Robins, N. Breslow, S. Greenland, Biometrics 42 (1986) 311–323 for the variance of its logarithm.
 */
export function addStratum(sums: Sums, { both, onlyA, onlyB, neither }: Table): void {
  const n = both + onlyA + onlyB + neither
  const failedA = both + onlyA
  const failedB = both + onlyB
  sums.units += n
  sums.failedA += failedA
  sums.failedB += failedB
  sums.joint += both
  // With one margin empty the table says nothing: it could not have come out otherwise.
  if (failedA === 0 || failedB === 0) return
  sums.expected += (failedA * failedB) / n
  if (n > 1) sums.variance += (failedA * failedB * (n - failedA) * (n - failedB)) / (n * n * (n - 1))
  const [r, s] = [(both * neither) / n, (onlyA * onlyB) / n]
  const [p, q] = [(both + neither) / n, (onlyA + onlyB) / n]
  sums.r += r
  sums.s += s
  sums.pr += p * r
  sums.mixed += p * s + q * r
  sums.qs += q * s
}

/** Sums of different strata add up: other instances, other days. */
export function addSums(to: Sums, more: Sums): void {
  for (const name of Object.keys(to) as (keyof Sums)[]) to[name] += more[name]
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

/**
 * The odds ratio common to all strata, with an interval at `z` standard errors of its logarithm. Where one side is empty half a
 * unit stands in for it (J. B. S. Haldane, Ann. Hum. Genet. 20 (1956) 309–311), which draws it towards 1.
 */
export function oddsRatio(sums: Sums, z: number): Interval {
  const { r, s, pr, mixed, qs } = withoutEmptySide(sums)
  const log = Math.log(r / s)
  const error = Math.sqrt(pr / (2 * r * r) + mixed / (2 * r * s) + qs / (2 * s * s))
  return { value: r / s, low: Math.exp(log - z * error), high: Math.exp(log + z * error) }
}

function withoutEmptySide(sums: Sums): Sums {
  if (sums.r > 0 && sums.s > 0) return sums
  const padded = { ...sums }
  addStratum(padded, { both: 0.5, onlyA: 0.5, onlyB: 0.5, neither: 0.5 })
  return padded
}
