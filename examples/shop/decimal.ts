/**
 * Money is an integer of thousandths: prices have up to three decimals, and `0.1 + 0.2` has no place in a ledger.
 * One row's value stays within ±2^53; sums are `bigint`, since nothing bounds how many rows there are.
 */
const places = 3

/** `'2.55'` → 2550. Undefined for anything that is not a decimal with at most three places, or is beyond ±2^53. */
export function thousandths(text: string): number | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d*?)0*)?$/.exec(text)
  if (!match) return undefined
  const [, sign, whole = '', fraction = ''] = match
  if (fraction.length > places) return undefined
  const value = Number(whole + fraction.padEnd(places, '0'))
  if (!Number.isSafeInteger(value)) return undefined
  return sign === '-' && value !== 0 ? -value : value
}

/** 2550 → `'2.55'`: exact, without trailing zeros. */
export function decimal(value: number | bigint): string {
  const whole = BigInt(value)
  const digits = String(whole < 0n ? -whole : whole).padStart(places + 1, '0')
  const fraction = digits.slice(-places).replace(/0+$/, '')
  return `${whole < 0n ? '-' : ''}${digits.slice(0, -places)}${fraction && `.${fraction}`}`
}

/** Whole numbers only: `'6'`, `'-12'`. Undefined for anything else, or beyond ±2^53. */
export function integer(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value + 0 : undefined
}

/** Quantity × price in thousandths; undefined when the product is beyond ±2^53, where it would no longer be exact. */
export function lineValue(quantity: number, unitPrice: number): number | undefined {
  const value = quantity * unitPrice
  return Number.isSafeInteger(value) ? value : undefined
}
