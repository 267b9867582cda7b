/**
 * A proportion with its interval at `z` standard errors, which stays within 0 and 1 and is sound near both ends.
 * E. B. Wilson, JASA 22 (1927) 209–212. Undefined without trials.
 */
export function wilson(
  hits: number,
  trials: number,
  z: number,
): { value: number; low: number; high: number } | undefined {
  if (trials <= 0) return undefined
  const p = hits / trials
  const zz = z * z
  const centre = (p + zz / (2 * trials)) / (1 + zz / trials)
  const half = (z / (1 + zz / trials)) * Math.sqrt((p * (1 - p)) / trials + zz / (4 * trials * trials))
  return { value: p, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}
