/**
 * Which rows a statement touches, from its text and its values: a table, whether it is written, and what its primary key is
 * bound to. Read from each template once. It says too much rather than too little: what is not understood is the whole
 * table. Nothing here decides what may run beside what; it is counted.
 */

/** Columns of the primary key, by table; names in lower case. */
export type PrimaryKeys = ReadonlyMap<string, readonly string[]>

export interface CallSite {
  readonly targets: readonly Target[]
}

export interface Target {
  readonly table: string
  readonly writes: boolean
  /** Columns of the primary key that are bound to values, in the key's order; none: the whole table. */
  readonly columns: readonly string[]
  /** Which of the statement's values they are bound to, or the text of a literal. */
  readonly values: readonly Bound[]
  /** True when all of the key is bound: one row. */
  readonly whole: boolean
}

type Bound = number | string

type Token =
  | { readonly kind: 'word' | 'name' | 'literal' | 'other'; readonly text: string }
  | { readonly kind: 'value'; readonly text: ''; readonly index: number }

// Comments, literals, quoted names, words, numbers; the hole of a value is a NUL, which no text of SQL holds.
const pattern =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\s+|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[\p{L}_][\p{L}\p{N}_$]*|\d[\w.]*|[\s\S]/gu

function tokensOf(template: readonly string[]): Token[] {
  const tokens: Token[] = []
  let index = 0
  for (const [text] of template.join('\0').matchAll(pattern)) {
    if (/^(\s|--|\/\*)/.test(text)) continue
    if (text === '\0') tokens.push({ kind: 'value', text: '', index: index++ })
    else if (text.startsWith("'")) tokens.push({ kind: 'literal', text: text.slice(1, -1).replaceAll("''", "'") })
    else if (/^\d/.test(text)) tokens.push({ kind: 'literal', text })
    else if (/^["`[]/.test(text)) tokens.push({ kind: 'name', text: text.slice(1, -1).toLowerCase() })
    else tokens.push({ kind: /^[\p{L}_]/u.test(text) ? 'word' : 'other', text: text.toLowerCase() })
  }
  return tokens
}

const verbs = new Set(['insert', 'update', 'delete'])
const startsStatement = /^(select|insert|update|delete|merge|with)$/

/** Reads a template. */
export function readCallSite(template: readonly string[], keys: PrimaryKeys): CallSite {
  const tokens = tokensOf(template)
  const verb = tokens[0]?.text ?? ''
  const tables = tablesIn(tokens)
  const [only] = tables
  if (only !== undefined && tables.length === 1 && isPlain(tokens)) {
    const bound = verb === 'insert' ? boundByInsert(tokens) : boundByWhere(tokens)
    const set = verb === 'update' ? assigned(tokens) : new Set<string>()
    return { targets: [targetOf(only, verbs.has(verb), bound, set, keys)] }
  }
  const written = writtenIn(tokens)
  const none = new Map<string, Bound>()
  return { targets: tables.map((table) => targetOf(table, written.has(table), none, new Set(), keys)) }
}

function targetOf(
  table: string,
  writes: boolean,
  bound: ReadonlyMap<string, Bound>,
  set: ReadonlySet<string>,
  keys: PrimaryKeys,
): Target {
  const key = keys.get(table) ?? []
  // A row that gets another key is two rows, of which only one is known.
  const columns = key.some((column) => set.has(column)) ? [] : key.filter((column) => bound.has(column))
  const values = columns.map((column) => bound.get(column) as Bound)
  return { table, writes, columns, values, whole: columns.length === key.length && key.length > 0 }
}

/** One statement with one condition: nothing nested, nothing combined, nothing negated. */
function isPlain(tokens: readonly Token[]): boolean {
  const words = tokens.filter(({ kind }) => kind === 'word').map(({ text }) => text)
  // `for update` locks what it reads, and starts nothing.
  const starts = words.filter((word, i) => startsStatement.test(word) && words[i - 1] !== 'for')
  return starts.length === 1 + Number(isUpsert(words)) && !words.some((word) => /^(join|union|or|not|case)$/.test(word))
}

/** `on conflict … do update` is one statement all the same. */
const isUpsert = (words: readonly string[]): boolean => words[0] === 'insert' && words.includes('update')

const before = new Set(['from', 'join', 'into', 'update', 'using'])
const noTable = new Set(['set', 'select', 'lateral', 'only', 'of', 'skip', 'nowait'])

function tablesIn(tokens: readonly Token[]): string[] {
  const found = new Set<string>()
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'word' || !before.has(token.text)) continue
    for (let at = i + 1; ; at = commaAfter(tokens, at) + 1) {
      const name = nameAt(tokens, at)
      if (name !== undefined) found.add(name)
      if (token.text !== 'from' || commaAfter(tokens, at) < 0) break
    }
  }
  return [...found]
}

/** The comma that follows a table and its alias in a list of tables; -1 where the list ends. */
function commaAfter(tokens: readonly Token[], at: number): number {
  for (let i = at + 1; i <= at + 5; i++) {
    const token = tokens[i]
    if (token?.text === ',') return i
    if (!token || (token.kind === 'other' && token.text !== '.')) return -1
    if (token.kind === 'word' && /^(where|join|on|group|order|limit|set|left|inner|cross|using)$/.test(token.text))
      return -1
  }
  return -1
}

/** A table's name, without its schema; what is followed by a bracket is a function, but after `into`. */
function nameAt(tokens: readonly Token[], at: number): string | undefined {
  const first = tokens[at]
  if (!isName(first) || (first.kind === 'word' && noTable.has(first.text))) return undefined
  const last = tokens[at + 1]?.text === '.' ? at + 2 : at
  const isCall = tokens[last + 1]?.text === '(' && tokens[at - 1]?.text !== 'into'
  return isCall ? undefined : tokens[last]?.text
}

function writtenIn(tokens: readonly Token[]): ReadonlySet<string | undefined> {
  const found = new Set<string | undefined>()
  for (const [i, { kind, text }] of tokens.entries()) {
    if (kind !== 'word') continue
    if (text === 'update') found.add(nameAt(tokens, i + 1))
    if (text === 'into' || (text === 'from' && tokens[i - 1]?.text === 'delete')) found.add(nameAt(tokens, i + 1))
  }
  return found
}

/** `insert into t (a, b) values (${…}, ${…})`, of one row. */
function boundByInsert(tokens: readonly Token[]): Map<string, Bound> {
  const bound = new Map<string, Bound>()
  const columns = listAt(
    tokens,
    tokens.findIndex(({ text }) => text === '('),
  )
  const start = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'values')
  const values = listAt(tokens, start + 1)
  if (start < 0 || columns.length !== values.length || tokens[endOf(tokens, start + 1) + 1]?.text === ',') return bound
  for (const [i, column] of columns.entries()) {
    const [name, value] = [column[0], boundTo(values[i]?.[0])]
    if (name && column.length === 1 && values[i]?.length === 1 && value !== undefined) bound.set(name.text, value)
  }
  return bound
}

function boundTo(token: Token | undefined): Bound | undefined {
  if (token?.kind === 'value') return token.index
  return token?.kind === 'literal' ? token.text : undefined
}

const isName = (token: Token | undefined): token is Token & { readonly kind: 'word' | 'name' } =>
  token?.kind === 'word' || token?.kind === 'name'

/** What stands between brackets, cut at its commas. */
function listAt(tokens: readonly Token[], open: number): Token[][] {
  if (tokens[open]?.text !== '(') return []
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens.slice(open + 1, endOf(tokens, open))) {
    if (token.text === '(') depth++
    if (token.text === ')') depth--
    if (token.text === ',' && depth === 0) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function endOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]?.text === '(') depth++
    if (tokens[i]?.text === ')' && --depth === 0) return i
  }
  return tokens.length
}

/** `where a = ${…} and b = ${…}`; anything else in the condition only makes it narrower. */
function boundByWhere(tokens: readonly Token[]): Map<string, Bound> {
  const bound = new Map<string, Bound>()
  const start = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'where')
  for (let i = start + 1; start >= 0 && i < tokens.length; i++) {
    const [name, equals, token, next] = tokens.slice(i, i + 4)
    const value = boundTo(token)
    if (!isName(name) || equals?.text !== '=' || value === undefined) continue
    // `a = ${…} + 1` is not bound to the value; it would be another one.
    if (next === undefined || next.text === ')' || next.kind === 'word') bound.set(name.text, value)
  }
  return bound
}

/** Columns that an update sets. */
function assigned(tokens: readonly Token[]): Set<string> {
  const start = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'set')
  const end = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'where')
  const names = new Set<string>()
  for (let i = start + 1; i < (end < 0 ? tokens.length : end); i++) {
    const token = tokens[i]
    if (isName(token) && tokens[i + 1]?.text === '=') names.add(token.text)
  }
  return names
}
