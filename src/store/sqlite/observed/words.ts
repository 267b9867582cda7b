/** One word, name, number, text, value or sign of a statement; comments and blanks are left out. */
export interface Word {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'value' | 'sign'
  /** Words in lower case; names without their quotes; texts as they are meant. */
  readonly text: string
  /** How many brackets are open around it. */
  readonly depth: number
}

const token =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[\p{L}_][\p{L}\p{N}_$]*|\d[\d.]*(?:e[+-]?\d+)?|\|\||[<>=!]=|<>|\s+|[\s\S]/giu

/** A statement's words, with `?` for each bound value. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = []
  let depth = 0
  for (const [part] of text.matchAll(token)) {
    if (/^(\s|--|\/\*)/.test(part)) continue
    if (part === ')') depth--
    words.push({ ...wordOf(part), depth })
    if (part === '(') depth++
  }
  return words
}

function wordOf(part: string): Omit<Word, 'depth'> {
  const first = part[0] as string
  if (first === "'") return { kind: 'text', text: part.slice(1, -1).replaceAll("''", "'") }
  if (first === '"') return { kind: 'quoted', text: part.slice(1, -1).replaceAll('""', '"').toLowerCase() }
  if (first === '`' || (first === '[' && part.length > 1))
    return { kind: 'quoted', text: part.slice(1, -1).toLowerCase() }
  if (part === '?') return { kind: 'value', text: part }
  if (/^\d/.test(part)) return { kind: 'number', text: part }
  if (/^[\p{L}_]/u.test(part)) return { kind: 'word', text: part.toLowerCase() }
  return { kind: 'sign', text: part }
}
