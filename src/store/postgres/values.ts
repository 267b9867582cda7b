import { SkerryError } from '../../errors.ts'
import { firstLine } from '../text.ts'
import { bind, narrow } from '../values.ts'

/** A value as it goes over the wire: as text, or as bytes. */
export type Wired = string | Buffer | null

// Object identifiers of PostgreSQL's own types (pg_type.dat). They never change.
export const oid = {
  ...{ bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, unknown: 705, varchar: 1043, numeric: 1700 },
  ...{ float4: 700, float8: 701, timestamp: 1114, timestamptz: 1184 },
} as const

/** What a bound value is by itself, where a statement does not say what it should be; 0 for a text. */
export function typeOf(value: unknown): number {
  const bound = bind(value, 1)
  if (typeof bound === 'bigint') return oid.int8
  if (typeof bound === 'number') return oid.float8
  return bound instanceof Uint8Array ? oid.bytea : 0
}

/** Binds a user's values by the one table in `store/values.ts`; PostgreSQL reads each text by the type it has for it. */
export function bindAll(values: readonly unknown[]): Wired[] {
  return values.map((value, i) => {
    const bound = bind(value, i + 1)
    if (bound === null || typeof bound === 'string') return bound
    return bound instanceof Uint8Array ? Buffer.from(bound.buffer, bound.byteOffset, bound.length) : String(bound)
  })
}

/** Skerry's own times have fractions of a millisecond, which SQLite keeps and an integer column here refuses. */
export function bindOwn(values: readonly unknown[], types: readonly number[]): Wired[] {
  return bindAll(
    values.map((value, i) =>
      types[i] === oid.int8 && typeof value === 'number' && !Number.isInteger(value) ? Math.floor(value) : value,
    ),
  )
}

export interface Column {
  readonly name: string
  readonly type: number
}

export type Read = (text: string) => unknown

/** How a column's texts are read: as SQLite would give them, as far as it has such a type. */
export function reader(type: number): Read {
  switch (type) {
    case oid.int2:
    case oid.int4:
    case oid.float4:
    case oid.float8:
      return Number
    case oid.int8:
      return (text) => (text.length < 16 ? Number(text) : narrow(BigInt(text)))
    case oid.numeric:
      return readNumeric
    case oid.bool:
      return (text) => (text === 't' ? 1 : 0)
    case oid.bytea:
      return (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))
    case oid.timestamptz:
      return readTime
    default:
      return (text) => text
  }
}

/** Never rounded: a fraction with more digits than a number holds stays a text. */
function readNumeric(text: string): unknown {
  if (/^-?\d+$/.test(text)) return text.length < 16 ? Number(text) : narrow(BigInt(text))
  return text.replace(/\D/g, '').replace(/^0+/, '').length <= 15 || text === 'NaN' ? Number(text) : text
}

/** `2010-12-01 08:06:00.1+00` as `Date.toISOString` writes it; microseconds are kept. */
function readTime(text: string): string {
  const parts = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/.exec(text)
  return parts ? `${parts[1]}T${parts[2]}.${(parts[3] ?? '').padEnd(3, '0')}Z` : text
}

export function checkColumns(columns: readonly Column[], text: string): void {
  if (columns.some((column) => column.name === '__proto__'))
    throw new SkerryError(
      'statement_failed',
      `a column is called __proto__; give it another name with \`as\` (statement: ${firstLine(text)})`,
    )
}
