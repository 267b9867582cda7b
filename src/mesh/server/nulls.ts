import { kindsOf, resolveRef, type Shape } from './coerce.ts'

/** Whether a value of this schema may lack a null: where none can, there is nothing to walk through. */
export function mayLackNulls(schema: unknown, root: Shape, seen = new Set<unknown>()): boolean {
  const shape = objectIn(schema, root)
  if (!shape || seen.has(shape)) return false
  seen.add(shape)
  const properties = (shape.properties ?? {}) as Shape
  if (((shape.required ?? []) as string[]).some((name) => kindsOf(properties[name], root).has('null'))) return true
  const parts = [...Object.values(properties), shape.items, shape.additionalProperties]
  return parts.some((part) => mayLackNulls(part, root, seen))
}

/** Protobuf knows no null: a field that must be there, may be null, and is missing, is null. */
export function withNulls(value: unknown, schema: unknown, root: Shape): unknown {
  const shape = objectIn(schema, root)
  if (Array.isArray(value)) return value.map((one) => withNulls(one, shape?.items, root))
  if (typeof value !== 'object' || value === null || !shape) return value
  const properties = (shape.properties ?? {}) as Shape
  const required = new Set((shape.required ?? []) as string[])
  const filled = Object.entries(value).map(([name, one]) => {
    const of = Object.hasOwn(properties, name) ? properties[name] : shape.additionalProperties
    return [name, withNulls(one, of, root)] as const
  })
  const nulls = [...required].filter(
    (name) => !Object.hasOwn(value, name) && kindsOf(properties[name], root).has('null'),
  )
  return Object.fromEntries([...filled, ...nulls.map((name) => [name, null] as const)])
}

/** The part of a schema that an object or an array would keep to. */
function objectIn(schema: unknown, root: Shape): Shape | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  const { $ref, anyOf } = schema as Shape
  if (typeof $ref === 'string') return objectIn(resolveRef($ref, root), root)
  if (Array.isArray(anyOf)) return anyOf.map((one) => objectIn(one, root)).find((one) => one?.properties ?? one?.items)
  return schema as Shape
}
