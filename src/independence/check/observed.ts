import { nearest } from '../../nearest.ts'
import type { Plain } from '../../store/store.ts'
import type { Course } from './flow.ts'
import type { World } from './world.ts'

/**
 * What can be seen of a run: how rows differ from where it began, what was emitted, what was done outside, what became of
 * each event. Runs from one beginning are equal when these are.
 */
export interface Seen {
  /** By service and table; rows that went as −1, rows that came as +1, each as JSON of its columns. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly emitted: readonly string[]
  readonly outside: readonly string[]
  readonly settled: readonly string[]
}

/** One course of things: who was handled in which order, and what was seen at the end. */
export interface Told {
  readonly order: readonly string[]
  readonly seen: Seen
}

/** Columns that do not count, such as `orders.orders.updated_at` or `orders.updated_at`. */
export type Opaque = (service: string, table: string, column: string) => boolean

export function opaque(columns: readonly string[]): Opaque {
  const known = new Set(columns.map((column) => column.toLowerCase()))
  if (known.size === 0) return () => false
  const has = (name: string): boolean => known.has(name.toLowerCase())
  return (service, table, column) => has(`${table}.${column}`) || has(`${service}.${table}.${column}`)
}

/** Of columns that are said to be opaque, those that are not there: they would hide nothing, and nobody would notice. */
export function unknownColumns(columns: readonly string[], { units }: Pick<World, 'units'>): string[] {
  const known = units.flatMap(({ service, db }) =>
    [...db.schema.tables].flatMap(([table, { columns: own }]) =>
      own.map((column) => ({ short: `${table}.${column}`, long: `${service.name}.${table}.${column}` })),
    ),
  )
  return columns.flatMap((column) => {
    const isIt = (name: string): boolean => name.toLowerCase() === column.toLowerCase()
    if (known.some(({ short, long }) => isIt(short) || isIt(long))) return []
    const names = known.map(({ short, long }) => (column.split('.').length > 2 ? long : short))
    return [`opaque: no service has a column ${column}; the nearest is '${nearest(column, names) ?? '(none)'}'`]
  })
}

export function look(world: World, course: Course, hidden: Opaque): Seen {
  return {
    rows: netRows(world, course, hidden),
    emitted: [...course.emitted.values()]
      .map(({ stream, record }) => `${stream}.${record.type} ${record.key} ${record.data}`)
      .sort(),
    outside: [...world.outside.effects].map(([what, times]) => `${what} ×${times}`).sort(),
    settled: [...course.settled].map(([name, became]) => `${name} ${became}`).sort(),
  }
}

function netRows(world: World, course: Course, hidden: Opaque): Seen['rows'] {
  const tables = new Map<string, Map<string, number>>()
  for (const { service, write } of course.changes) {
    const table = world.units.find((unit) => unit.service.name === service)?.db.schema.tables.get(write.table)
    const name = `${service}.${write.table}`
    const rows = tables.get(name) ?? new Map<string, number>()
    tables.set(name, rows)
    const text = (row: readonly Plain[]): string =>
      rowText(
        (table?.columns ?? []).map((column, at) => [column, row[at]]),
        (column) => hidden(service, write.table, column),
      )
    if (write.before) add(rows, text(write.before), -1)
    if (write.after) add(rows, text(write.after), 1)
  }
  for (const [name, rows] of tables) if (rows.size === 0) tables.delete(name)
  return tables
}

/** A row as text, without the columns that do not count. */
export function rowText(
  row: readonly (readonly [column: string, value: unknown])[],
  hidden: (column: string) => boolean,
): string {
  const counting = row.filter(([column]) => !hidden(column))
  return JSON.stringify(Object.fromEntries(counting.map(([column, value]) => [column, shown(value as Plain)])))
}

function add(rows: Map<string, number>, row: string, n: number): void {
  const now = (rows.get(row) ?? 0) + n
  if (now === 0) rows.delete(row)
  else rows.set(row, now)
}

function shown(value: Plain): unknown {
  if (typeof value === 'bigint') return `${value}n`
  return value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex')}'` : value
}

export function sameSeen(a: Seen, b: Seen): boolean {
  return textOf(a) === textOf(b)
}

const texts = new WeakMap<Seen, string>()

/** One text for all that was seen: equal for equal endings. Made once, since one ending is compared with many. */
export function textOf(seen: Seen): string {
  const known = texts.get(seen)
  if (known !== undefined) return known
  const { rows, emitted, outside, settled } = seen
  const sorted = [...rows].sort(byName).map(([name, counts]) => [name, [...counts].sort(byName)])
  const text = JSON.stringify([sorted, emitted, outside, settled])
  texts.set(seen, text)
  return text
}

function byName<T>([a]: readonly [string, T], [b]: readonly [string, T]): number {
  return a < b ? -1 : Number(a > b)
}
