import { SkerryError } from '../../errors.ts'
import { firstLine } from '../text.ts'

/** Pieces of SQL as PostgreSQL's own scanner cuts them, as far as it matters here. */
export interface Token {
  readonly kind: 'blank' | 'literal' | 'name' | 'word' | 'parameter' | 'semicolon' | 'hole' | 'mark' | 'other'
  readonly text: string
}

/** Stands for a value while scanning; no text of PostgreSQL can hold it. */
const hole = '\u0000'

const blank = /\s+|--[^\n]*/y
const literal = /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$)/y
const name = /"(?:[^"]|"")*(?:"|$)/y
const dollars = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy
const parameter = /\$\d+/y
const word = /[\p{L}_][\p{L}\p{N}_$]*/uy
const number = /\d[\w.]*/y

export function tokens(source: string): Token[] {
  const found: Token[] = []
  for (let at = 0; at < source.length; ) {
    const token = tokenAt(source, at)
    found.push(token)
    at += token.text.length
  }
  return found
}

function tokenAt(source: string, at: number): Token {
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(source)?.[0]
  }
  const whole = (kind: Token['kind'], text: string | undefined): Token | undefined =>
    text === undefined ? undefined : { kind, text }
  if (source.startsWith('/*', at)) return { kind: 'blank', text: comment(source, at) }
  const quote = match(dollars)
  if (quote !== undefined) return { kind: 'literal', text: dollarQuoted(source, at, quote) }
  const single = source[at] as string
  return (
    whole('blank', match(blank)) ??
    whole('literal', match(literal)) ??
    whole('name', match(name)) ??
    whole('parameter', match(parameter)) ??
    whole('word', match(word)) ??
    whole('other', match(number)) ?? {
      kind: single === ';' ? 'semicolon' : single === hole ? 'hole' : single === '?' ? 'mark' : 'other',
      text: single,
    }
  )
}

/** Comments nest. */
function comment(source: string, from: number): string {
  let depth = 0
  for (let at = from; at < source.length; at++) {
    const two = source.slice(at, at + 2)
    if (two !== '/*' && two !== '*/') continue
    depth += two === '/*' ? 1 : -1
    at++
    if (depth === 0) return source.slice(from, at + 1)
  }
  return source.slice(from)
}

function dollarQuoted(source: string, from: number, quote: string): string {
  const end = source.indexOf(quote, from + quote.length)
  return end < 0 ? source.slice(from) : source.slice(from, end + quote.length)
}

/** What a template says before any engine has seen it. */
export interface Scanned {
  /** With `$1`, `$2`, … for the values. */
  readonly text: string
  readonly tokens: readonly Token[]
}

/**
 * Joins a template into one statement. Refuses what would be taken for something else: a second statement, parameters of
 * the user's own, and a value inside quotes or a comment.
 */
export function scan(template: TemplateStringsArray): Scanned {
  const source = template.join(hole)
  if (source.split(hole).length !== template.length) refuse(source, 'it holds a NUL character', 'PostgreSQL keeps none')
  let text = ''
  let values = 0
  let ended = false
  const kept: Token[] = []
  for (const token of tokens(source)) {
    if (token.kind !== 'hole' && token.text.includes(hole))
      refuse(source, 'a value stands inside quotes or a comment', 'take it out of them; join text with ||')
    if (token.kind === 'blank') text += token.text
    else if (token.kind === 'semicolon') ended = true
    else {
      if (ended) refuse(source, 'there is more than one statement', 'use a template for each')
      if (token.kind === 'parameter')
        refuse(source, `it has a parameter of its own (${token.text})`, 'write values as template expressions')
      // The blank keeps a following digit from making another parameter of it.
      text += token.kind === 'hole' ? `$${++values} ` : token.text
      kept.push(token)
    }
  }
  if (kept.length === 0) refuse(source, 'it is empty', 'write a statement')
  return { text: text.trim(), tokens: kept }
}

/** Skerry's own texts have `?` for each value, on every dialect. */
export function numbered(text: string): { readonly text: string; readonly values: number } {
  let values = 0
  const parts = tokens(text).map((token) => (token.kind === 'mark' ? `$${++values}` : token.text))
  return { text: parts.join(''), values }
}

/** A script's statements, each as its tokens without blanks. */
export function statementsOf(script: string): Token[][] {
  const statements: Token[][] = [[]]
  for (const token of tokens(script)) {
    if (token.kind === 'semicolon') statements.push([])
    else if (token.kind !== 'blank') statements.at(-1)?.push(token)
  }
  return statements.filter((statement) => statement.length > 0)
}

function refuse(source: string, why: string, instead: string): never {
  throw new SkerryError(
    'statement_refused',
    `${why}: ${instead} (statement: ${firstLine(source.replaceAll(hole, '?'))})`,
  )
}
