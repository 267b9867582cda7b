import type { Plain } from '../../store.ts'

/** The values of a row, in the order of the table's columns. */
export type Image = readonly Plain[]

/** A look at the rows of a table that fulfil all the terms; at all rows when there are none. */
export interface Read {
  readonly table: string
  readonly terms: readonly { readonly column: number; readonly value: Plain }[] | undefined
  /** Columns looked at; `undefined` for the whole row, its being there included. */
  readonly columns: ReadonlySet<string> | undefined
  /** To change or remove the rows, if there are any. */
  readonly toChange?: boolean
  readonly site: string
}

/** A row that came, went or changed. */
export interface Write {
  readonly table: string
  readonly before: Image | undefined
  readonly after: Image | undefined
  /** Columns that the statement assigns, when the row was there before and after. */
  readonly assigned: ReadonlySet<string> | undefined
  readonly site: string
}

/** What one step did to a store, from the statements that it ran and the rows that changed beneath them. */
export interface Accesses {
  readonly reads: Read[]
  readonly writes: Write[]
  /** Tables that were changed in a way that cannot be watched row by row. */
  readonly blind: Set<string>
  /** It asked for the time, or for randomness, inside of a statement; where. */
  readonly ambient: Set<string>
}

export function noAccesses(): Accesses {
  return { reads: [], writes: [], blind: new Set(), ambient: new Set() }
}
