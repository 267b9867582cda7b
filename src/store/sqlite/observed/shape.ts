import type { Plain } from '../../store.ts'
import type { Schema } from './tables.ts'
import { type Word, wordsOf } from './words.ts'

/** What SQLite's authorizer said while a statement was prepared, without what our own triggers do. */
export interface Mentioned {
  readonly reads: ReadonlyMap<string, ReadonlySet<string>>
  readonly updates: ReadonlyMap<string, ReadonlySet<string>>
  readonly inserts: ReadonlySet<string>
  readonly deletes: ReadonlySet<string>
  /** Tables that a view or a trigger brought in. */
  readonly indirect: ReadonlySet<string>
}

/** A condition that every row looked at fulfils: this column equals this value. */
export interface Term {
  readonly column: number
  readonly value: { readonly parameter: number } | { readonly literal: Plain }
}

/** The rows of a table that a statement looks at: all of them, or those that fulfil all the terms. */
export interface Look {
  readonly table: string
  readonly terms: readonly Term[] | undefined
  /** What it looks at in them; all columns when not known. */
  readonly columns: ReadonlySet<string>
  /** To change or remove them. */
  readonly toChange: boolean
}

/** What a statement can touch, whatever is bound to it. */
export interface Shape {
  readonly looks: readonly Look[]
  /** Every table that may decide whether it succeeds. */
  readonly mentions: readonly string[]
  /** Columns that it looks at, by table. */
  readonly reads: ReadonlyMap<string, ReadonlySet<string>>
  /** Columns that it assigns, by table. */
  readonly assigns: ReadonlyMap<string, ReadonlySet<string>>
  /** Tables whose changes cannot be watched row by row. */
  readonly blind: readonly string[]
  readonly writes: boolean
}

/**
 * Reads off which rows a statement can see. A table is narrowed to the rows of some values only where the statement
 * names a single table once and joins its conditions by `and`; everything else counts as looking at the whole table.
 * Whatever the statement then makes of these rows (a sum, the first few, none at all), it is a function of them.
 */
export function shapeOf(text: string, mentioned: Mentioned, schema: Schema): Shape {
  const words = wordsOf(text)
  const inserted = [...mentioned.inserts]
  const all = new Set([...mentioned.reads.keys(), ...mentioned.updates.keys(), ...mentioned.deletes])
  // What foreign keys look at is told row by row; SQLite mentions their tables, though the statement does not.
  const named = new Set(words.filter(({ kind }) => kind === 'word' || kind === 'quoted').map((word) => word.text))
  const touched = new Set([...all].filter((table) => named.has(table) || mentioned.indirect.has(table)))
  const writes = inserted.length > 0 || mentioned.updates.size > 0 || mentioned.deletes.size > 0
  const replaces = words.some((word) => word.kind === 'word' && word.text === 'replace')
  const virtual = schema.virtual.filter((name) => touched.has(name) || mentioned.inserts.has(name))
  const blind = replaces && schema.triggers ? inserted : virtual
  return {
    looks: looksOf(words, mentioned, touched, schema),
    mentions: [...new Set([...all, ...inserted])],
    reads: mentioned.reads,
    assigns: mentioned.updates,
    blind,
    writes,
  }
}

function looksOf(words: readonly Word[], mentioned: Mentioned, touched: ReadonlySet<string>, schema: Schema): Look[] {
  const verb = words[0]?.text ?? ''
  const plainInsert = (verb === 'insert' || verb === 'replace') && count(words, 'select') === 0
  const looks: Look[] = []
  for (const table of touched) {
    if (!schema.tables.has(table) && !schema.virtual.includes(table)) continue
    // What an insertion looks at is told by the rows that it tried, one by one.
    if (plainInsert && mentioned.inserts.has(table)) continue
    const columns = mentioned.reads.get(table) ?? new Set<string>()
    const terms = isAlone(words, table, touched) ? termsOf(words, table, schema) : undefined
    looks.push({ table, columns, terms, toChange: mentioned.updates.has(table) || mentioned.deletes.has(table) })
  }
  return looks
}

function count(words: readonly Word[], text: string): number {
  return words.filter((word) => word.kind === 'word' && word.text === text).length
}

const several = new Set(['join', 'union', 'intersect', 'except', 'with', 'exists'])

function isAlone(words: readonly Word[], table: string, touched: ReadonlySet<string>): boolean {
  if (touched.size !== 1 || count(words, 'select') > 1) return false
  if (words[0]?.text === 'update' && count(words, 'from') > 0) return false
  if (words.some((word) => word.kind === 'word' && several.has(word.text))) return false
  const named = words.filter(
    (word, at) => word.text === table && word.kind !== 'text' && words[at + 1]?.text !== '.' && isTablePlace(words, at),
  )
  return named.length === 1
}

/** After `from`, `update`, `into` or a comma in a list of tables: not where a column has the table's name. */
function isTablePlace(words: readonly Word[], at: number): boolean {
  const before = words[at - 1]
  return before?.kind === 'word' ? !['select', 'and', 'where', 'set', 'by', 'as'].includes(before.text) : true
}

const enders = new Set(['group', 'order', 'limit', 'having', 'window', 'returning'])

function termsOf(words: readonly Word[], table: string, schema: Schema): readonly Term[] | undefined {
  const start = words.findIndex((word) => word.kind === 'word' && word.depth === 0 && word.text === 'where')
  if (start < 0) return undefined
  const rest = words.slice(start + 1)
  const end = rest.findIndex((word) => word.kind === 'word' && word.depth === 0 && enders.has(word.text))
  const condition = end < 0 ? rest : rest.slice(0, end)
  if (condition.some((word) => word.kind === 'word' && word.depth === 0 && word.text === 'or')) return undefined
  const before = words.slice(0, start + 1).filter((word) => word.kind === 'value').length
  const columns = schema.tables.get(table)?.columns ?? []
  const terms = termsIn(condition, before, columns)
  return terms.length > 0 ? terms : undefined
}

function termsIn(condition: readonly Word[], before: number, columns: readonly string[]): Term[] {
  const terms: Term[] = []
  let parameter = before
  let part: Word[] = []
  let afterBetween = false
  for (const word of [...condition, undefined]) {
    const ends = word === undefined || (word.kind === 'word' && word.depth === 0 && word.text === 'and')
    if (!ends) {
      part.push(word as Word)
      continue
    }
    // The `and` of a `between` joins no conditions.
    const between = part.some((one) => one.kind === 'word' && one.text === 'between')
    const term = between || afterBetween ? undefined : termOf(part, parameter, columns)
    if (term) terms.push(term)
    parameter += part.filter((one) => one.kind === 'value').length
    afterBetween = between
    part = []
  }
  return terms
}

/** `column = value`, either way round. */
function termOf(part: readonly Word[], parameter: number, columns: readonly string[]): Term | undefined {
  const at = part.findIndex((word) => word.kind === 'sign' && (word.text === '=' || word.text === '=='))
  if (at < 0) return undefined
  const sides = [part.slice(0, at), part.slice(at + 1)]
  for (const [names, values] of [sides, sides.toReversed()] as [Word[], Word[]][]) {
    const name = names.length === 3 && names[1]?.text === '.' ? names[2] : names.length === 1 ? names[0] : undefined
    const [value] = values
    if (!name || values.length !== 1 || !value || (name.kind !== 'word' && name.kind !== 'quoted')) continue
    const column = columns.indexOf(name.text)
    const bound = column < 0 ? undefined : boundTo(value, parameter)
    if (bound) return { column, value: bound }
  }
  return undefined
}

function boundTo(word: Word, parameter: number): Term['value'] | undefined {
  if (word.kind === 'value') return { parameter }
  if (word.kind === 'text') return { literal: word.text }
  if (word.kind === 'number') return { literal: Number(word.text) }
  return undefined
}
