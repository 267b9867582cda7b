/**
 * Values that code compares fields with, by the names of the fields: `if (data.amount > 500)`, `where status = 'paid'`. Under ''
 * are the numbers that code names at all: a limit is often on a sum.
 */
export type Compared = ReadonlyMap<string, readonly (string | number)[]>

const literal = String.raw`'(?:[^'\\\n]|\\.){0,40}'|"(?:[^"\\\n]|\\.){0,40}"|-?\d[\d_]*(?:\.\d+)?(?![\w.])`
const operator = '===?|!==?|<>|<=|>=|<|>|='
/** A name at the end of a way to it, such as `data.amount`, or a parameter of a statement. */
const path = String.raw`(?:\$\{\s*)?(?:[\w$]+\??\.)*([\w$]+)(?:\s*\})?`
const mostEach = 12
/** Smaller ones are what numbers are made of anyway. */
const leastNumber = 4
const numberIn = /(?<![\w.$])\d[\d_]*(?:\.\d+)?(?![\w.])/g

const patterns = [
  [new RegExp(String.raw`${path}\s*(?:${operator})\s*(${literal})`, 'g'), 1, 2],
  [new RegExp(String.raw`(${literal})\s*(?:${operator})\s*${path}`, 'g'), 2, 1],
  [new RegExp(String.raw`${path}\s+in\s*\(([^()]*)\)`, 'gi'), 1, 2],
  [new RegExp(String.raw`\[([^\[\]]*)\]\.includes\(\s*${path}\s*\)`, 'g'), 2, 1],
  [new RegExp(String.raw`switch\s*\(\s*${path}\s*\)([\s\S]*?)(?=\bswitch\b|$)`, 'g'), 1, 2],
] as const

/**
 * Reads off functions what they compare by name. Only hints for what is worth trying come of it: what is no comparison, or is
 * one with something else of that name, does no harm.
 */
export function comparedIn(sources: Iterable<string>): Compared {
  const found = new Map<string, Set<string | number>>()
  const add = (field: string, values: Iterable<string | number>): void => {
    const known = found.get(field) ?? new Set()
    found.set(field, known)
    for (const value of values) known.add(value)
  }
  for (const source of sources) {
    for (const [pattern, name, value] of patterns)
      for (const match of source.matchAll(pattern))
        add(match[name] as string, literalsIn(match[value] as string, pattern.source.startsWith('switch')))
    for (const [text] of source.matchAll(numberIn)) {
      const number = Number(text.replaceAll('_', ''))
      if (number >= leastNumber) add('', [number + 1, number, Math.ceil(number / 2)])
    }
  }
  return new Map([...found].map(([field, values]) => [field, [...values].slice(0, mostEach)]))
}

/** A number with its neighbours: what is limited changes there. */
function* literalsIn(text: string, inCases: boolean): Generator<string | number> {
  const all = new RegExp(inCases ? String.raw`\bcase\s+(${literal})` : `(${literal})`, 'g')
  for (const [, one = ''] of text.matchAll(all)) {
    const number = Number(one.replaceAll('_', ''))
    if (/^['"]/.test(one)) yield one.slice(1, -1).replaceAll(/\\(.)/g, '$1')
    else if (Number.isFinite(number)) yield* [number, number + 1, number - 1]
  }
}
