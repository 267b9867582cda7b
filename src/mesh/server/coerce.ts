/** JSON Schema, as far as it is read here. */
export interface Shape {
  readonly [keyword: string]: unknown
}

type Kind = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object'

/** What a schema lets through; everything when it does not say. References lead within `root`. */
export function kindsOf(schema: unknown, root: Shape, depth = 0): ReadonlySet<Kind> {
  if (typeof schema !== 'object' || schema === null || depth > 16) return new Set()
  const { type, $ref, anyOf, oneOf, enum: values, const: only } = schema as Shape
  if (typeof $ref === 'string') return kindsOf(resolveRef($ref, root), root, depth + 1)
  const parts = (anyOf ?? oneOf) as unknown
  if (Array.isArray(parts)) return new Set(parts.flatMap((part) => [...kindsOf(part, root, depth + 1)]))
  if (typeof type === 'string' || Array.isArray(type)) return new Set([type].flat().map(kindOfType))
  if (Array.isArray(values)) return new Set(values.map(kindOfValue))
  return 'const' in schema ? new Set([kindOfValue(only)]) : new Set()
}

const kindOfType = (type: unknown): Kind => (type === 'integer' ? 'number' : (type as Kind))

function kindOfValue(value: unknown): Kind {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : (typeof value as Kind)
}

/** What `#/$defs/Line` leads to. */
export function resolveRef(ref: string, root: Shape): unknown {
  if (!ref.startsWith('#')) return undefined
  let found: unknown = root
  for (const part of ref.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    found = (found as Shape)[name]
  }
  return found
}

const numeric = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * What a text in a path or a query stands for, where its schema wants no text: a number, a truth value, null for nothing, an
 * array of one. What cannot be one stays as it is, for the schema to refuse.
 */
export function coerce(given: string | readonly string[], schema: unknown, root: Shape): unknown {
  const kinds = kindsOf(schema, root)
  if (typeof given !== 'string') {
    const items = itemsOf(schema, root)
    return given.map((one) => coerce(one, items, root))
  }
  if (kinds.has('string') || kinds.size === 0) return given
  if (kinds.has('number') && numeric.test(given)) return Number(given)
  if (kinds.has('boolean') && (given === 'true' || given === 'false')) return given === 'true'
  if (kinds.has('null') && given === '') return null
  return kinds.has('array') ? [coerce(given, itemsOf(schema, root), root)] : given
}

function itemsOf(schema: unknown, root: Shape): unknown {
  if (typeof schema !== 'object' || schema === null) return undefined
  const { $ref, items, anyOf } = schema as Shape
  if (typeof $ref === 'string') return itemsOf(resolveRef($ref, root), root)
  if (Array.isArray(anyOf)) return anyOf.map((one) => itemsOf(one, root)).find((one) => one !== undefined)
  return items
}
