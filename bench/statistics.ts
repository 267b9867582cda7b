/** Statistics of the benchmark: pure functions over samples, nothing here reads a clock. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly count: number
}

export function median(values: readonly number[]): number {
  const sorted = sort(values)
  const middle = sorted.length >> 1
  const upper = at(sorted, middle)
  return sorted.length % 2 === 1 ? upper : (at(sorted, middle - 1) + upper) / 2
}

/** Nearest rank: the smallest sample that at least `p` per cent of all samples do not exceed. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = sort(values)
  const rank = Math.ceil((p / 100) * sorted.length)
  return at(sorted, Math.min(Math.max(rank, 1), sorted.length) - 1)
}

/** Several percentiles of one large sample, sorted once. */
export function percentiles(values: readonly number[], ps: readonly number[]): number[] {
  const sorted = sort(values)
  return ps.map((p) => at(sorted, Math.min(Math.max(Math.ceil((p / 100) * sorted.length), 1), sorted.length) - 1))
}

export function spread(values: readonly number[]): Spread {
  const sorted = sort(values)
  return { median: median(values), min: at(sorted, 0), max: at(sorted, sorted.length - 1), count: sorted.length }
}

export function ratio(value: number, reference: number): number {
  return value / reference
}

/** Ratio of each sample to the reference sample of the same round; rounds that lack either are left out. */
export function pairedRatios(
  values: readonly (number | undefined)[],
  references: readonly (number | undefined)[],
): number[] {
  const ratios: number[] = []
  for (let round = 0; round < Math.min(values.length, references.length); round++) {
    const value = values[round]
    const reference = references[round]
    if (value !== undefined && reference !== undefined) ratios.push(ratio(value, reference))
  }
  return ratios
}

function sort(values: readonly number[]): Float64Array {
  if (values.length === 0) throw new RangeError('no samples: a statistic needs at least one')
  return Float64Array.from(values).sort()
}

function at(sorted: Float64Array, index: number): number {
  const value = sorted[index]
  if (value === undefined) throw new RangeError(`sample ${index} of ${sorted.length} does not exist`)
  return value
}
