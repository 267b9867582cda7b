import { SkerryError } from '../../errors.ts'

interface Entry<T> {
  readonly method: string
  /** Null for a field: anything but nothing stands there. */
  readonly segments: readonly (string | null)[]
  readonly fields: readonly string[]
  readonly value: T
}

export interface Found<T> {
  readonly value: T
  /** Fields that the path holds, decoded. */
  readonly params: Readonly<Record<string, string>>
}

/** What is asked for by method and path, where `{id}` in a path stands for any one segment. A name beats a field. */
export class Paths<T> {
  readonly #fixed = new Map<string, Entry<T>>()
  /** With fields, by number of segments; those that say more come first. */
  readonly #open = new Map<number, Entry<T>[]>()

  /** Adds one, or gives what has the same route already. */
  add(method: string, path: string, value: T): T | undefined {
    const segments = path.split('/').map((part) => (part.startsWith('{') ? null : part))
    const fields = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
    const entry = { method, segments, fields, value }
    if (fields.length === 0) {
      const known = this.#fixed.get(`${method} ${path}`)
      if (known) return known.value
      this.#fixed.set(`${method} ${path}`, entry)
      return undefined
    }
    const same = this.#open.get(segments.length) ?? []
    const known = same.find((one) => one.method === method && order(one, entry) === 0)
    if (known) return known.value
    this.#open.set(segments.length, [...same, entry].sort(order))
    return undefined
  }

  /** Throws `invalid_request` for a path whose escapes make no text. */
  find(method: string, path: string): Found<T> | undefined {
    const fixed = this.#fixed.get(`${method} ${path}`)
    if (fixed) return { value: fixed.value, params: {} }
    const parts = path.split('/')
    for (const entry of this.#open.get(parts.length) ?? [])
      if (entry.method === method && fits(entry, parts)) return { value: entry.value, params: paramsOf(entry, parts) }
    return undefined
  }

  /** The methods that a path has. */
  methods(path: string): readonly string[] {
    const parts = path.split('/')
    const fixed = [...this.#fixed.values()].filter((entry) => entry.segments.join('/') === path)
    const open = (this.#open.get(parts.length) ?? []).filter((entry) => fits(entry, parts))
    return [...new Set([...fixed, ...open].map(({ method }) => method))]
  }
}

function fits({ segments }: Entry<unknown>, parts: readonly string[]): boolean {
  return segments.every((segment, i) => (segment === null ? parts[i] !== '' : segment === parts[i]))
}

/** At the first place where they differ, a name comes before a field. */
function order(a: Entry<unknown>, b: Entry<unknown>): number {
  for (const [i, one] of a.segments.entries()) {
    const other = b.segments[i]
    if (one === other) continue
    if (one === null) return 1
    if (other === null) return -1
    return one < (other as string) ? -1 : 1
  }
  return 0
}

function paramsOf({ segments, fields }: Entry<unknown>, parts: readonly string[]): Record<string, string> {
  const given = parts.filter((_, i) => segments[i] === null)
  return Object.fromEntries(fields.map((name, i) => [name, decoded(given[i] as string)]))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new SkerryError('invalid_request', `'${text.slice(0, 100)}' in the path is not UTF-8 in percent signs`, {
      cause,
    })
  }
}
