/**
 * Which of many p-values are discoveries at a false discovery rate of `q`: the step-up rule of Y. Benjamini and Y. Hochberg,
 * J. R. Stat. Soc. B 57 (1995) 289–300. P-values that are inverses of e-values need no assumption about how they depend
 * on one another (R. Wang, A. Ramdas, J. R. Stat. Soc. B 84 (2022) 822–852).
 */
export function discoveries(pValues: readonly number[], q: number): boolean[] {
  const sorted = pValues.toSorted((a, b) => a - b)
  let threshold = -1
  for (const [index, p] of sorted.entries()) if (p <= (q * (index + 1)) / sorted.length) threshold = p
  return pValues.map((p) => p <= threshold)
}
