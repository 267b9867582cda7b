import { stripTypeScriptTypes } from 'node:module'
import { type Node, parse } from 'acorn'
import { mutateSql, type Operator } from './sql.ts'

export interface Mutant {
  readonly operator: Operator
  /** From 1. */
  readonly line: number
  /** The whole file, with one place changed. */
  readonly source: string
  readonly before: string
  readonly after: string
}

interface Found extends Node {
  readonly [name: string]: unknown
}

/** Every mutant of one file, in the order of their places. Stripped types leave spaces, so places are those of the source. */
export function mutate(source: string): Mutant[] {
  const stripped = stripTypeScriptTypes(source)
  if (stripped.length !== source.length) throw new Error('stripping types moved what comes after them')
  const mutants: Mutant[] = []
  const change = (operator: Operator, { start, end }: { start: number; end: number }, after: string): void => {
    const line = source.slice(0, start).split('\n').length
    const changed = source.slice(0, start) + after + source.slice(end)
    mutants.push({ operator, line, source: changed, before: source.slice(start, end), after })
  }
  visit(parse(stripped, { ecmaVersion: 'latest', sourceType: 'module' }) as Node as Found, (node) => {
    if (node.type === 'IfStatement') changeGuard(node, source, change)
    if (node.type === 'Property') changeKey(node, change)
    if (node.type === 'TaggedTemplateExpression' && isStatement(node))
      changeStatement(node.quasi as Found, source, change)
  })
  return mutants
}

type Change = (operator: Operator, place: { start: number; end: number }, after: string) => void

function visit(node: Found, look: (node: Found) => void): void {
  look(node)
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (child !== null && typeof child === 'object' && 'type' in child) visit(child as Found, look)
}

/** A guard that leaves is taken out; one that lets in lets everything in. */
function changeGuard(node: Found, source: string, change: Change): void {
  if (node.alternate) return
  const test = node.test as Found
  const leaves = /^\s*(return|throw)\b/.test(source.slice((node.consequent as Found).start))
  change('guard dropped', test, leaves ? 'false' : 'true')
}

function changeKey(node: Found, change: Change): void {
  const { name } = node.key as unknown as { name?: string }
  const value = node.value as Found
  if (name === 'key' && value.type === 'ArrowFunctionExpression') change('key changed', value.body as Found, `''`)
}

function isStatement(node: Found): boolean {
  const property = (node.tag as Found).property as { name?: string } | undefined
  return property?.name === 'sql' || property?.name === 'versioned'
}

/** The text of a statement with its parameters as marks, so that what is inside of them is left alone. */
function changeStatement(quasi: Found, source: string, change: Change): void {
  const parts = quasi.quasis as Found[]
  const between = parts.slice(1).map((part, at) => source.slice((parts[at] as Found).end, part.start))
  const text = parts.map((part, at) => source.slice(part.start, part.end) + (at < between.length ? `§${at}§` : ''))
  for (const { operator, text: changed } of mutateSql(text.join(''))) {
    const restored = changed.replace(/§(\d+)§/g, (_, at) => between[Number(at)] as string)
    change(operator, quasi, `\`${restored}\``)
  }
}
