import type { Target } from './call-site.ts'

/** What one event did to one table: as much of the primary key as is known, with its values as text. */
export interface Touch {
  readonly target: Target
  readonly value: string
}

/** Two kinds of events met in a table: on rows that are the same for certain, or on some that may be. */
export interface Meeting {
  readonly a: number
  readonly b: number
  readonly table: string
  readonly certain: boolean
}

/** Of the events that touched one thing: which kinds, how many of each, and whether one of them wrote. */
type Cell = Map<number, { readonly first: number; several: boolean; wrote: boolean }>

/** Everything of one table, by which columns of the key are known, then by their values. */
type TableTouches = Map<string, { readonly columns: readonly string[]; readonly cells: Map<string, Cell> }>

const separator = '\u001f'

/** The values of a target's columns as one text. */
export function keyText({ values }: Target, given: readonly unknown[]): string {
  const [first] = values
  if (values.length === 1 && first !== undefined) return textOf(first, given)
  return values.map((bound) => textOf(bound, given)).join(separator)
}

const textOf = (bound: number | string, given: readonly unknown[]): string =>
  typeof bound === 'number' ? String(given[bound]) : bound

/**
 * Finds who met whom, among the touches of one window. Two touches conflict when at least one writes and no column of the
 * key tells them apart.
 */
export class Touches {
  readonly #tables = new Map<string, TableTouches>()

  add(event: number, kind: number, { target, value }: Touch): void {
    const table = ensure(this.#tables, target.table, (): TableTouches => new Map())
    const known = ensure(table, target.columns.join(separator), () => ({
      columns: target.columns,
      cells: new Map<string, Cell>(),
    }))
    note(ensure(known.cells, value, newCell), kind, event, target.writes)
  }

  /** Calls `met` for each pair of kinds that met in a table; possibly several times. */
  meetings(met: (meeting: Meeting) => void): void {
    for (const [table, touches] of this.#tables) {
      const known = [...touches.values()]
      for (const [i, one] of known.entries()) {
        for (const cell of one.cells.values()) within(cell, table, one.columns.length > 0, met)
        for (const other of known.slice(i + 1)) between(one, other, table, met)
      }
    }
  }
}

type Known = TableTouches extends Map<string, infer K> ? K : never

const newCell = (): Cell => new Map()

function ensure<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function note(cell: Cell, kind: number, event: number, writes: boolean): void {
  const known = cell.get(kind)
  if (!known) cell.set(kind, { first: event, several: false, wrote: writes })
  else {
    known.several ||= known.first !== event
    known.wrote ||= writes
  }
}

function within(cell: Cell, table: string, certain: boolean, met: (meeting: Meeting) => void): void {
  const kinds = [...cell]
  for (const [i, [a, one]] of kinds.entries()) {
    if (one.several && one.wrote) met({ a, b: a, table, certain })
    for (const [b, other] of kinds.slice(i + 1)) if (one.wrote || other.wrote) met({ a, b, table, certain })
  }
}

/** Touches that know different columns: compared by those that the narrower of them knows, or not told apart at all. */
function between(one: Known, other: Known, table: string, met: (meeting: Meeting) => void): void {
  const [wide, narrow] = one.columns.length >= other.columns.length ? [one, other] : [other, one]
  const places = narrow.columns.map((column) => wide.columns.indexOf(column))
  const comparable = narrow.columns.length > 0 && !places.includes(-1)
  const index = new Map<string, Cell>()
  for (const [value, cell] of wide.cells) {
    const parts = value.split(separator)
    const at = comparable ? places.map((place) => parts[place]).join(separator) : ''
    merge(ensure(index, at, newCell), cell)
  }
  for (const [value, cell] of narrow.cells) {
    const found = index.get(comparable ? value : '')
    if (found) across(found, cell, table, comparable, met)
  }
}

function merge(to: Cell, cell: Cell): void {
  for (const [kind, { first, several, wrote }] of cell) {
    note(to, kind, first, wrote)
    const known = to.get(kind)
    if (known && several) known.several = true
  }
}

function across(left: Cell, right: Cell, table: string, certain: boolean, met: (meeting: Meeting) => void): void {
  for (const [a, one] of left) {
    for (const [b, other] of right) {
      const same = a === b && !one.several && !other.several && one.first === other.first
      if (!same && (one.wrote || other.wrote)) met({ a, b, table, certain })
    }
  }
}
