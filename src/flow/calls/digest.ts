import { hash } from 'node:crypto'

/** The same for the same JSON, in whatever order its fields came. */
export function digestOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value, sorted) ?? '', 'hex')
}

function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
