import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { messageOf } from '../../errors.ts'

export interface Place {
  /** From 1. */
  readonly line: number
  readonly column: number
}

export interface Parsed {
  readonly documents: readonly unknown[]
  /** What is no YAML. */
  readonly errors: readonly (Place & { readonly message: string })[]
  /** Where in a document a path such as `http[0].match[1].uri` leads; the last part of it that is there. */
  place(document: number, path: string): Place
}

/** YAML 1.2, which JSON is a part of; several documents in one text. Neither tags nor anchors without end do any harm. */
export function parseYaml(text: string): Parsed {
  const counter = new LineCounter()
  const documents = [...parseAllDocuments(text, { lineCounter: counter, uniqueKeys: true, prettyErrors: false })]
  const at = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { line, column: col }
  }
  const errors: (Place & { message: string })[] = documents.flatMap((one) =>
    one.errors.map(({ pos, message }) => ({ ...at(pos[0]), message })),
  )
  const values =
    errors.length > 0
      ? []
      : documents.map((one) => plain(one, (message) => errors.push({ ...at(one.range[0]), message })))
  return {
    documents: errors.length > 0 ? [] : values,
    errors,
    place: (document, path) => at(offsetOf(documents[document]?.contents as Node | null, path)),
  }
}

function plain(document: Document.Parsed, wrong: (message: string) => void): unknown {
  try {
    return document.toJS({ maxAliasCount: 1000 })
  } catch (error) {
    wrong(messageOf(error))
    return undefined
  }
}

function offsetOf(node: Node | null, path: string): number {
  const here = node?.range?.[0] ?? 0
  if (isSeq(node)) {
    const [whole, index] = /^\[(\d+)\]\.?/.exec(path) ?? []
    const item = index === undefined ? undefined : (node.items[Number(index)] as Node | undefined)
    return item ? offsetOf(item, path.slice((whole as string).length)) : here
  }
  if (!isMap(node)) return here
  // Names may have dots in them: the longest that fits is meant.
  const pairs = node.items
    .flatMap(({ key, value }) => (isScalar(key) ? [{ name: String(key.value), key, value: value as Node | null }] : []))
    .filter(({ name }) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`))
    .sort((a, b) => b.name.length - a.name.length)
  const [found] = pairs
  if (!found) return here
  const rest = path.slice(found.name.length).replace(/^\./, '')
  return rest === '' || !found.value ? (found.key.range?.[0] ?? here) : offsetOf(found.value, rest)
}
