import type { Accesses, Image, Read, Write } from '../../store/sqlite/observed/access.ts'
import type { Schema, Table } from '../../store/sqlite/observed/tables.ts'
import type { Plain } from '../../store/store.ts'

/**
 * What one step touched: its service's tables, and named things outside of them (positions, the clock, memory, effects).
 * Two steps whose footprints do not meet come to the same in either order.
 */
export interface Footprint {
  /** The service whose store it is. */
  readonly service: string
  readonly schema: Schema
  readonly accesses: Accesses
  /** Named things that it looked at, and that it changed. */
  readonly sees: ReadonlySet<string>
  readonly changes: ReadonlySet<string>
  /** Values that only this step can have made, such as its event's id: rows that are unique by one of them meet no other's. */
  readonly fresh: ReadonlySet<string>
  /** What the services that it called touched, each in its own store. */
  readonly called?: readonly Footprint[]
}

/** Where two footprints meet. */
export interface Meeting {
  /** A table, or a named thing. */
  readonly what: string
  /** The statements, where there are any. */
  readonly sites: readonly [string, string]
}

/** The first place where two steps meet, if they do: one of them changes there what the other looks at or changes. */
export function meeting(a: Footprint, b: Footprint): Meeting | undefined {
  return firstOf(a, b, meetingInOne)
}

/** Of a step and of all that it called, beside those of another one. */
function firstOf<T>(a: Footprint, b: Footprint, look: (a: Footprint, b: Footprint) => T | undefined): T | undefined {
  if (!a.called?.length && !b.called?.length) return look(a, b)
  for (const one of [a, ...(a.called ?? [])])
    for (const other of [b, ...(b.called ?? [])]) {
      const found = look(one, other)
      if (found !== undefined) return found
    }
  return undefined
}

function meetingInOne(a: Footprint, b: Footprint): Meeting | undefined {
  const named = [...a.changes].find((name) => b.sees.has(name) || b.changes.has(name))
  const other = named ?? [...b.changes].find((name) => a.sees.has(name))
  if (other !== undefined) return { what: other, sites: ['', ''] }
  // Every step takes its time: whoever asks for it depends on all that went before.
  const [asks] = [...a.accesses.ambient, ...b.accesses.ambient]
  if (asks !== undefined) return { what: asks, sites: ['', ''] }
  if (a.service !== b.service) return undefined
  return (
    blindMeeting(a, b) ??
    writesMeet(a, b) ??
    readsMeet(a.accesses.reads, b.accesses.writes, a.schema) ??
    turned(readsMeet(b.accesses.reads, a.accesses.writes, a.schema))
  )
}

function turned(meeting: Meeting | undefined): Meeting | undefined {
  return meeting && { what: meeting.what, sites: [meeting.sites[1], meeting.sites[0]] }
}

function blindMeeting(a: Footprint, b: Footprint): Meeting | undefined {
  const tables = [...a.accesses.blind].filter((table) => touches(b, table))
  const others = [...b.accesses.blind].filter((table) => touches(a, table))
  const what = tables[0] ?? others[0]
  return what === undefined ? undefined : { what, sites: ['', ''] }
}

/**
 * A table in which both change one row, whichever columns: to be free of conflicts asks for more than to commute, since rows are
 * what is locked and versioned.
 */
export function commonRow(a: Footprint, b: Footprint): string | undefined {
  return firstOf(a, b, commonRowInOne)
}

function commonRowInOne(a: Footprint, b: Footprint): string | undefined {
  if (a.service !== b.service) return undefined
  for (const one of a.accesses.writes)
    for (const other of b.accesses.writes) {
      const table = one.table === other.table ? a.schema.tables.get(one.table) : undefined
      if (table && table.key.length > 0 && sameRow(one, other, table)) return one.table
    }
  return undefined
}

function touches({ accesses }: Footprint, table: string): boolean {
  const { reads, writes, blind } = accesses
  return blind.has(table) || reads.some((read) => read.table === table) || writes.some((write) => write.table === table)
}

function readsMeet(reads: readonly Read[], writes: readonly Write[], schema: Schema): Meeting | undefined {
  for (const read of reads)
    for (const write of writes) {
      const table = schema.tables.get(read.table)
      if (table && read.table === write.table && sees(read, write, table))
        return { what: read.table, sites: [read.site, write.site] }
    }
  return undefined
}

/** A look meets a change when the row as it was, or as it is now, is among those looked at. */
export function sees(read: Read, write: Write, table: Table): boolean {
  if (write.before && write.after && read.columns) {
    const looked = new Set(read.columns)
    for (const { column } of read.terms ?? []) looked.add(table.columns[column] as string)
    if (write.assigned && !meets(looked, write.assigned) && !changedIn(looked, write.before, write.after, table))
      return false
  }
  const { terms } = read
  if (!terms) return true
  return fulfils(write.before, terms, table) || fulfils(write.after, terms, table)
}

/** A trigger may have changed more than the statement assigns. */
function changedIn(looked: ReadonlySet<string>, before: Image, after: Image, table: Table): boolean {
  return table.columns.some((name, at) => looked.has(name) && before[at] !== after[at])
}

function fulfils(row: Image | undefined, terms: NonNullable<Read['terms']>, table: Table): boolean {
  return row !== undefined && terms.every(({ column, value }) => mayEqual(row[column] as Plain, value, table.collated))
}

/** Whether SQLite may find two values equal: rather yes than no, since columns convert what they are compared with. */
export function mayEqual(a: Plain, b: Plain, collated: boolean): boolean {
  if (a === null || b === null) return false
  if (typeof a === 'string' && typeof b === 'string')
    return a === b || (collated && a.trimEnd().toLowerCase() === b.trimEnd().toLowerCase())
  if (a instanceof Uint8Array || b instanceof Uint8Array) return textOf(a) === textOf(b)
  return Number(a) === Number(b)
}

function textOf(value: Plain): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)
}

function writesMeet(a: Footprint, b: Footprint): Meeting | undefined {
  for (const one of a.accesses.writes)
    for (const other of b.accesses.writes) {
      const table = one.table === other.table ? a.schema.tables.get(one.table) : undefined
      if (table && overwrites(one, other, table)) return { what: one.table, sites: [one.site, other.site] }
    }
  return undefined
}

function overwrites(a: Write, b: Write, table: Table): boolean {
  // Two new rows meet only in what is unique about them, and that is looked at first.
  if (!a.before && !b.before) return false
  // Rows without a key cannot be told apart: a change may be of any of them.
  if (table.key.length === 0) return true
  if (!sameRow(a, b, table)) return false
  return !a.assigned || !b.assigned || meets(a.assigned, b.assigned)
}

function sameRow(a: Write, b: Write, table: Table): boolean {
  return [a.before, a.after].some((x) => [b.before, b.after].some((y) => x && y && sameKey(x, y, table)))
}

function sameKey(x: Image, y: Image, table: Table): boolean {
  return table.key.every((at) => mayEqual(x[at] as Plain, y[at] as Plain, table.collated))
}

function meets(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const name of a) if (b.has(name)) return true
  return false
}

/**
 * Tables in which two handlers could ever meet, as far as they were seen: one changes there what the other looks at or
 * changes. Rows that are unique by something that only their own event has are nobody else's.
 */
export function sharedTables(a: Footprint, b: Footprint): Set<string> {
  const shared = new Set<string>()
  firstOf(a, b, (one, other) => {
    for (const table of sharedInOne(one, other)) shared.add(table)
    return undefined
  })
  return shared
}

function sharedInOne(a: Footprint, b: Footprint): Set<string> {
  if (a.service !== b.service) return new Set()
  const [ofA, ofB] = [usedTables(a), usedTables(b)]
  const shared = new Set<string>()
  for (const [table, uses] of ofA) {
    const others = ofB.get(table)
    if (others && (disturbs(uses, others) || disturbs(others, uses))) shared.add(table)
  }
  return shared
}

/** To add rows that nothing makes unique disturbs only who looks. */
function disturbs(one: ReadonlySet<Use>, other: ReadonlySet<Use>): boolean {
  return one.has('changes') || (one.has('adds') && (other.has('looks') || other.has('changes')))
}

type Use = 'looks' | 'adds' | 'changes'

/** How a step uses each table. */
export function usedTables({ accesses, schema, fresh }: Footprint): Map<string, Set<Use>> {
  const found = new Map<string, Set<Use>>()
  const use = (table: string, how: Use): void => void found.set(table, (found.get(table) ?? new Set()).add(how))
  const isOwn = (values: readonly (Plain | undefined)[]): boolean =>
    values.some((value) => typeof value === 'string' && fresh.has(value))
  // Rows that would be changed may only not be there yet.
  for (const { table, terms, toChange } of accesses.reads)
    if (!(terms && isOwn(terms.map((term) => term.value)))) use(table, toChange ? 'changes' : 'looks')
  for (const { table, before, after } of accesses.writes) {
    const key = schema.tables.get(table)?.key ?? []
    if (!isOwn(key.map((at) => (after ?? before)?.[at]))) use(table, before || key.length > 0 ? 'changes' : 'adds')
  }
  for (const table of accesses.blind) use(table, 'changes')
  return found
}
