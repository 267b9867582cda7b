import { type AnyCall, fieldsOf } from '../../call.ts'
import { SkerryError } from '../../errors.ts'
import { coerce, kindsOf, resolveRef, type Shape } from './coerce.ts'

/** Where a call's input is in a request. */
export interface InputPlan {
  readonly label: string
  readonly schema: Shape
  /** Of the input, where it is an object. */
  readonly properties: Shape
  readonly inPath: readonly string[]
  /** True where all other fields are in the query, else they are in the body. */
  readonly inQuery: boolean
  /** Of the fields that must be there, those that are lists and nothing else. */
  readonly lists: readonly string[]
}

/** Throws `invalid_config` naming a field that a path or a query cannot hold. */
export function planInput(type: AnyCall): InputPlan {
  const schema = type.inputSchema()
  const inPath = fieldsOf(type.path)
  const inQuery = type.method === 'GET' || type.method === 'DELETE'
  const target = typeof schema.$ref === 'string' ? (resolveRef(schema.$ref, schema) as Shape | undefined) : schema
  const properties = (target?.properties ?? {}) as Shape
  const refuse = (why: string): never => {
    throw new SkerryError('invalid_config', `call '${type.label}': ${why}`)
  }
  if ((inQuery || inPath.length > 0) && !target?.properties)
    refuse(`its input must be an object, since ${inPath.length > 0 ? 'its path' : 'the query'} holds fields of it`)
  for (const field of inPath) {
    if (!Object.hasOwn(properties, field)) refuse(`its input has no field '${field}', which its path names`)
    if (isStructured(properties[field], schema, false)) refuse(`a path cannot hold the field '${field}'`)
  }
  for (const field of inQuery ? Object.keys(properties) : [])
    if (isStructured(properties[field], schema, true)) refuse(`a query cannot hold the field '${field}'; use POST`)
  const lists = ((target?.required ?? []) as string[]).filter((name) => {
    const kinds = kindsOf(properties[name], schema)
    return kinds.size === 1 && kinds.has('array')
  })
  return { label: type.label, schema, properties, inPath, inQuery, lists }
}

function isStructured(property: unknown, root: Shape, arrays: boolean): boolean {
  const kinds = kindsOf(property, root)
  return kinds.has('object') || (!arrays && kinds.has('array'))
}

export interface Received {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | readonly string[]>>
  /** What the body says; undefined without one. */
  readonly body: unknown
}

/** The input as the call's schema is to see it. Throws `invalid_request` for what is where it does not belong. */
export function readInput(plan: InputPlan, { params, query, body }: Received): unknown {
  const { label, schema, properties, inPath, inQuery } = plan
  const refuse = (why: string): never => {
    throw new SkerryError('invalid_request', `${label}: ${why}`)
  }
  const named = Object.keys(query)
  const schemaOf = (name: string): unknown => (Object.hasOwn(properties, name) ? properties[name] : undefined)
  if (!inQuery) {
    if (named.length > 0) refuse(`it takes no query, but the field '${named[0]}' is in one`)
    if (inPath.length === 0) return body === undefined ? {} : body
    if (body !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body)))
      refuse('its body is not an object')
  }
  const fields = new Map<string, unknown>(inQuery ? [] : Object.entries((body ?? {}) as object))
  for (const name of inQuery ? named : [])
    fields.set(name, coerce(query[name] as string | readonly string[], schemaOf(name), schema))
  // A list of nothing leaves no trace in a query.
  for (const name of inQuery ? plan.lists : []) if (!fields.has(name)) fields.set(name, [])
  for (const name of inPath) {
    const value = coerce(params[name] as string, schemaOf(name), schema)
    if (fields.has(name) && fields.get(name) !== value) refuse(`its path and what else is given differ in '${name}'`)
    fields.set(name, value)
  }
  return Object.fromEntries(fields)
}
