import type { DatabaseSync } from 'node:sqlite'

/** What is known of a table before anything runs: enough to say which rows a statement can have looked at. */
export interface Table {
  readonly name: string
  readonly columns: readonly string[]
  /** Columns of the primary key by index; empty when rows have no identity that order could not change. */
  readonly key: readonly number[]
  /** The primary key is the rowid, so that leaving it out takes the next free number. */
  readonly numbered: boolean
  /** Column sets that must be unique, the primary key among them; `undefined` when one of them cannot be told by columns. */
  readonly unique: readonly (readonly number[])[] | undefined
  readonly refers: readonly Reference[]
  /** It has rows with rowids; not `without rowid`. */
  readonly rowid: boolean
  /** Text is compared in another way than byte by byte somewhere in it. */
  readonly collated: boolean
}

/** Rows of this table must have a row in another one. */
export interface Reference {
  readonly columns: readonly number[]
  readonly table: string
  /** By name; empty for the primary key. */
  readonly to: readonly string[]
}

export interface Schema {
  readonly tables: ReadonlyMap<string, Table>
  /** Virtual tables: what happens in them cannot be watched row by row. */
  readonly virtual: readonly string[]
  readonly triggers: boolean
}

type Record = { readonly [name: string]: unknown }

/** Reads the schema as the migrations have left it. Names are in lower case, as SQLite compares them. */
export function readSchema(db: DatabaseSync): Schema {
  const all = (text: string, ...values: string[]): Record[] => db.prepare(text).all(...values) as unknown as Record[]
  const listed = all(
    `select name, type, wr from pragma_table_list
     where schema = 'main' and substr(name, 1, 7) <> 'sqlite_' and substr(name, 1, 7) <> 'skerry_'`,
  )
  const tables = new Map<string, Table>()
  for (const { name, wr } of listed.filter((entry) => entry.type === 'table'))
    tables.set(String(name).toLowerCase(), readTable(all, String(name), wr === 1))
  return {
    tables,
    virtual: listed.filter((entry) => entry.type === 'virtual').map((entry) => String(entry.name).toLowerCase()),
    triggers: all(`select 1 from sqlite_schema where type = 'trigger'`).length > 0,
  }
}

type All = (text: string, ...values: string[]) => Record[]

function readTable(all: All, name: string, withoutRowid: boolean): Table {
  const described = all('select name, type, pk from pragma_table_xinfo(?) where hidden <> 1 order by cid', name)
  const columns = described.map((column) => String(column.name).toLowerCase())
  const key = described
    .flatMap((column, at) => (Number(column.pk) > 0 ? [{ at, place: Number(column.pk) }] : []))
    .sort((a, b) => a.place - b.place)
    .map(({ at }) => at)
  const [only] = key
  const numbered =
    !withoutRowid && key.length === 1 && String(described[only as number]?.type).toLowerCase() === 'integer'
  const sql = String(all(`select sql from sqlite_schema where type = 'table' and name = ?`, name)[0]?.sql)
  return {
    name: name.toLowerCase(),
    columns,
    key,
    numbered,
    unique: readUnique(all, name, columns, key),
    refers: readReferences(all, name, columns),
    rowid: !withoutRowid,
    collated: /\bcollate\b/i.test(sql),
  }
}

function readUnique(all: All, name: string, columns: readonly string[], key: readonly number[]): Table['unique'] {
  const sets: (readonly number[])[] = key.length > 0 ? [key] : []
  for (const index of all(
    'select name, partial from pragma_index_list(?) where "unique" = 1 and origin <> \'pk\'',
    name,
  )) {
    const parts = all('select name, cid, coll from pragma_index_xinfo(?) where key = 1', String(index.name))
    // A condition, an expression or another collation: nobody can say by columns alone what it compares.
    const plain = index.partial === 0 && parts.every((part) => Number(part.cid) >= 0 && part.coll === 'BINARY')
    if (!plain) return undefined
    sets.push(parts.map((part) => columns.indexOf(String(part.name).toLowerCase())))
  }
  return sets
}

function readReferences(all: All, name: string, columns: readonly string[]): Reference[] {
  const found = new Map<unknown, { columns: number[]; table: string; to: string[] }>()
  for (const part of all('select id, "table", "from", "to" from pragma_foreign_key_list(?) order by id, seq', name)) {
    const reference = found.get(part.id) ?? { columns: [], table: String(part.table).toLowerCase(), to: [] }
    found.set(part.id, reference)
    reference.columns.push(columns.indexOf(String(part.from).toLowerCase()))
    if (part.to !== null) reference.to.push(String(part.to).toLowerCase())
  }
  return [...found.values()]
}
