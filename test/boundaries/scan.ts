/**
 * Just enough of a scanner for the boundary rules: it tells code from comments and text, finds what a module imports,
 * and where its functions begin and end. It knows no types and needs no parser.
 */

export interface Import {
  readonly specifier: string
  /** `asset` is `new URL('./x', import.meta.url)`: how a worker is started. */
  readonly kind: 'static' | 'export' | 'dynamic' | 'asset'
  readonly line: number
}

export interface FunctionSpan {
  readonly name: string
  readonly line: number
  readonly lines: number
  /** Start and end of its braces in the source. */
  readonly from: number
  readonly to: number
}

/** The source with comments and the insides of strings, templates and regular expressions blanked, lengths kept. */
export function mask(source: string): string {
  const out = source.split('')
  // What each open brace will return to: plain code, or the template literal that it interrupted.
  const braces: ('code' | 'template')[] = []
  let at = 0
  while (at < source.length) at = step(at)
  return out.join('')

  function step(i: number): number {
    const c = source[i] as string
    const pair = source.slice(i, i + 2)
    if (pair === '//') return blank(i, until('\n', i))
    if (pair === '/*') return blank(i, until('*/', i + 2) + 2)
    if (c === "'" || c === '"') return quoted(i, c)
    if (c === '`') return template(i + 1)
    if (c === '/' && regexMayStart(out, i)) return regex(i)
    if (c === '{') braces.push('code')
    if (c === '}' && braces.pop() === 'template') return template(i + 1)
    return i + 1
  }

  function until(text: string, from: number): number {
    const found = source.indexOf(text, from)
    return found < 0 ? source.length : found
  }

  function blank(from: number, to: number): number {
    for (let i = from; i < to && i < source.length; i++) if (source[i] !== '\n') out[i] = ' '
    return to
  }

  function quoted(from: number, quote: string): number {
    let i = from + 1
    while (i < source.length && source[i] !== quote && source[i] !== '\n') i += source[i] === '\\' ? 2 : 1
    blank(from + 1, i)
    return i + 1
  }

  function template(from: number): number {
    let i = from
    while (i < source.length && source[i] !== '`' && source.slice(i, i + 2) !== '${') i += source[i] === '\\' ? 2 : 1
    blank(from, i)
    if (source[i] !== '$') return i + 1
    braces.push('template')
    return i + 2
  }

  function regex(from: number): number {
    let i = from + 1
    for (let inClass = false; i < source.length && source[i] !== '\n'; i++) {
      if (source[i] === '\\') i++
      else if (source[i] === '[') inClass = true
      else if (source[i] === ']') inClass = false
      else if (source[i] === '/' && !inClass) break
    }
    blank(from + 1, i)
    return i + 1
  }
}

/** A slash divides after a value, and starts a regular expression anywhere else. */
function regexMayStart(masked: readonly string[], at: number): boolean {
  let i = at - 1
  while (i >= 0 && /\s/.test(masked[i] as string)) i--
  if (i < 0) return true
  if (/[)\]}"'`]/.test(masked[i] as string)) return false
  if (!/[\w$]/.test(masked[i] as string)) return true
  const word = /[\w$]+$/.exec(masked.slice(Math.max(0, i - 20), i + 1).join(''))?.[0] ?? ''
  return /^(return|typeof|case|in|of|await|yield|void|throw|else|do)$/.test(word)
}

const importForms: readonly [Import['kind'], RegExp][] = [
  ['static', /(?<![.\w$])import\s+(?:[\w$*{}\s,]+?\s+from\s*)?['"]/g],
  ['export', /(?<![.\w$])export\s+(?:type\s+)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})\s*from\s*['"]/g],
  ['dynamic', /(?<![.\w$])import\s*\(\s*['"`]/g],
  ['asset', /\bnew\s+URL\s*\(\s*['"`]/g],
]

/** Everything that a module names from outside, type imports included. */
export function imports(source: string, masked = mask(source)): Import[] {
  const found: Import[] = []
  for (const [kind, form] of importForms) {
    for (const match of masked.matchAll(form)) {
      const start = match.index + match[0].length
      const end = masked.indexOf(source[start - 1] as string, start)
      if (kind === 'asset' && !/^.\s*,\s*import\.meta\.url/.test(masked.slice(end, end + 40))) continue
      found.push({ specifier: source.slice(start, end), kind, line: lineOf(source, start) })
    }
  }
  return found.sort((a, b) => a.line - b.line)
}

const notFunctions = /^(if|for|while|switch|catch|with)$/

/** Every function and method that has braces. */
export function functions(source: string, masked = mask(source)): FunctionSpan[] {
  const found: FunctionSpan[] = []
  const open: { at: number; name: string | undefined }[] = []
  for (let i = 0; i < masked.length; i++) {
    if (masked[i] === '{') open.push({ at: i, name: functionBefore(masked, i) })
    if (masked[i] !== '}') continue
    const brace = open.pop()
    if (brace?.name === undefined) continue
    const line = lineOf(source, brace.at)
    found.push({ name: brace.name, line, lines: lineOf(source, i) - line + 1, from: brace.at, to: i })
  }
  return found
}

/** The name of the function whose body opens at this brace, or undefined where the brace opens something else. */
function functionBefore(masked: string, brace: number): string | undefined {
  const before = masked.slice(Math.max(0, brace - 2000), brace).trimEnd()
  if (before.endsWith('=>')) return arrowName(before)
  // A class after a short function is no part of that function's return type.
  if (/\b(?:class|interface)\s[^{}()]*$/.test(before)) return undefined
  // After `): Map<` or `): A |` the brace opens an object type, not the body.
  if (/[:<|&,]$/.test(before)) return undefined
  // A return type may stand between the parameters and the body: `): Promise<{ a: string }> {`.
  const signature = /\)\s*(?::\s*(?:[\w$.<>[\]|&,\s'"*]|\{[^{}]*\}|\([^()]*\)\s*=>)*)?$/.exec(before)
  if (!signature) return undefined
  let depth = 0
  let i = signature.index
  for (; i >= 0; i--) {
    if (before[i] === ')') depth++
    if (before[i] === '(' && --depth === 0) break
  }
  const word = /([\w$#]+)\s*(?:<[^()]*>)?\s*$/.exec(before.slice(0, i))?.[1]
  if (word !== undefined && notFunctions.test(word)) return undefined
  return word ?? 'anonymous'
}

function arrowName(before: string): string {
  return /([\w$#]+)\s*(?:=|:)\s*(?:async\s*)?(?:<[^()]*>)?\s*\([^=]*=>$/.exec(before.slice(-300))?.[1] ?? 'arrow'
}

export function lineOf(source: string, at: number): number {
  let line = 1
  for (let i = source.indexOf('\n'); i >= 0 && i < at; i = source.indexOf('\n', i + 1)) line++
  return line
}
