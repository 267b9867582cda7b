import type { Plain } from '../../store/store.ts'
import type { Footprint } from './footprint.ts'
import { leafPaths } from './generate.ts'
import type { Job } from './job.ts'

/** A column in which a field of an event is looked for, or kept. */
export interface Link {
  readonly service: string
  readonly table: string
  readonly column: string
}

interface Count extends Link {
  /** Steps in which the column was asked for, or filled, and the field had a value. */
  seen: number
  /** Of these: the two were equal. */
  matched: number
}

/** Fewer could be chance: values are few. */
const leastSeen = 2

/**
 * Which columns hold what a field says, learned from the rows that handlers looked for and wrote: so that events can be made
 * about rows that are there.
 */
export class Links {
  readonly #counts = new Map<string, Map<string, Count>>()

  learn({ type, delivery }: Job, { service, schema, accesses }: Footprint): void {
    const columns = new Map<string, { readonly link: Link; readonly values: Set<Plain> }>()
    const note = (table: string, at: number, value: Plain): void => {
      const column = schema.tables.get(table)?.columns[at]
      if (column === undefined) return
      const name = `${service}.${table}.${column}`
      const known = columns.get(name) ?? { link: { service, table, column }, values: new Set() }
      columns.set(name, known)
      known.values.add(value)
    }
    for (const { table, terms } of accesses.reads)
      for (const { column, value } of terms ?? []) note(table, column, value)
    for (const { table, after } of accesses.writes)
      for (const [at, value] of (after ?? []).entries()) if (typeof value === 'string') note(table, at, value)
    for (const [path, leaves] of leafPaths(JSON.parse(delivery.record.data)))
      for (const [name, { link, values }] of columns) this.#count(`${type.label} ${path}`, name, link, leaves, values)
  }

  /** Columns of a field, by the event's label and the field's path. */
  of(label: string, path: string): readonly Link[] {
    const counts = this.#counts.get(`${label} ${path}`)
    return counts ? [...counts.values()].filter(({ seen, matched }) => matched === seen && seen >= leastSeen) : []
  }

  #count(leaf: string, column: string, link: Link, leaves: readonly unknown[], values: ReadonlySet<Plain>): void {
    const counts = this.#counts.get(leaf) ?? new Map<string, Count>()
    this.#counts.set(leaf, counts)
    const count = counts.get(column) ?? { ...link, seen: 0, matched: 0 }
    counts.set(column, count)
    count.seen++
    if (leaves.some((value) => values.has(value as Plain))) count.matched++
  }
}
