/** The record of a benchmark as JSON that can be read, and compared line by line: each row, verdict and run is a line. Pure. */
import type { Machine } from './machine.ts'

export interface Recorded {
  readonly taken: string
  readonly machine: Machine
  readonly scale: number
  readonly scenarios: readonly Readonly<Record<string, unknown>>[]
}

export function recordOf({ scenarios, ...rest }: Recorded): string {
  const all = scenarios.map((one) => `    {\n${fields(one, '      ')}\n    }`)
  return `{\n${fields(rest, '  ')},\n  "scenarios": [\n${all.join(',\n')}\n  ]\n}`
}

function fields(of: Readonly<Record<string, unknown>>, indent: string): string {
  return Object.entries(of)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${indent}${JSON.stringify(name)}: ${inLines(value, indent)}`)
    .join(',\n')
}

function inLines(value: unknown, indent: string): string {
  if (!Array.isArray(value) || value.length === 0) return text(value)
  const lines = value.map((one) => `${indent}  ${text(one)}`)
  return `[\n${lines.join(',\n')}\n${indent}]`
}

/** Six digits say more than any of these measurements knows. */
const text = (value: unknown): string =>
  JSON.stringify(value, (_, one) =>
    typeof one === 'number' && !Number.isInteger(one) ? Number(one.toPrecision(6)) : one,
  )
