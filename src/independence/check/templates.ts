/** Statements in the text of a function: templates tagged with something called `sql`, raw, with \0 for their values. */
export function templatesIn(source: string): string[] {
  // A template says the same whichever way its lines end.
  const text = source.replaceAll(/\r\n?/g, '\n')
  return [...text.matchAll(/\bsql\s*`/g)].flatMap(({ index, 0: tag }) =>
    isCommented(text, index) ? [] : [readTemplate(text, index + tag.length).text],
  )
}

/** One statement as it ran, in the same words. */
export function wordsOf({ raw }: TemplateStringsArray): string {
  return raw.join('\0')
}

/** In a line's comment, or in a block of which each line begins with a star. */
function isCommented(source: string, at: number): boolean {
  const before = source.slice(source.lastIndexOf('\n', at - 1) + 1, at)
  return before.includes('//') || /^\s*\/?\*/.test(before)
}

interface Read {
  readonly text: string
  /** Behind the closing backtick. */
  readonly end: number
}

/** `from` is behind the opening backtick. */
function readTemplate(source: string, from: number): Read {
  let text = ''
  for (let at = from; at < source.length; at++) {
    const two = source.slice(at, at + 2)
    if (two[0] === '`') return { text, end: at + 1 }
    if (two === '${') {
      at = endOfValue(source, at + 2) - 1
      text += '\0'
    } else if (two[0] === '\\') {
      text += two
      at++
    } else text += two[0]
  }
  return { text, end: source.length }
}

/** Behind the brace that closes a value, whatever it contains. */
function endOfValue(source: string, from: number): number {
  let depth = 1
  for (let at = from; at < source.length; at++) {
    const sign = source[at] as string
    if (sign === '`') at = readTemplate(source, at + 1).end - 1
    else if (sign === "'" || sign === '"') at = endOfText(source, at)
    else if (sign === '{') depth++
    else if (sign === '}' && --depth === 0) return at + 1
  }
  return source.length
}

/** At the quote that closes a text. */
function endOfText(source: string, from: number): number {
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source[at] === source[from]) return at
  }
  return source.length
}
