import type { AnyCall } from '../call.ts'
import { SkerryError } from '../errors.ts'
import { resolveRef, type Shape } from '../mesh/server/coerce.ts'

/** One field of a message of protobuf. */
export interface Field {
  readonly name: string
  /** As it stands before the name: `string`, `optional int64`, `repeated Lines`, `map<string, double>`. */
  readonly type: string
}

/** A message of protobuf, by its full name: `PlaceRequest`, `PlaceRequest.Lines`. */
export interface Message {
  readonly name: string
  readonly fields: readonly Field[]
}

/** The messages of a call: of its input, of its output, and what is nested in them. Throws `invalid_config` naming what protobuf cannot say. */
export function messagesOf(type: AnyCall): readonly Message[] {
  const name = pascal(type.name)
  return [
    ...messagesIn(`${name}Request`, type.inputSchema(), `${type.label} input`),
    ...messagesIn(`${name}Reply`, type.outputSchema(), `${type.label} output`),
  ]
}

function messagesIn(name: string, root: Shape, label: string): readonly Message[] {
  const reading: Reading = { name, root, label, found: new Map() }
  readMessage(name, root, '', reading)
  return [...reading.found.values()]
}

interface Reading {
  /** Of the outermost message. */
  readonly name: string
  readonly root: Shape
  readonly label: string
  readonly found: Map<string, Message>
}

function readMessage(name: string, given: unknown, path: string, reading: Reading): void {
  const shape = resolved(given, reading)
  if (shape.type !== 'object' || !isShape(shape.properties)) refuse(path, 'it is no object of named fields', reading)
  if (reading.found.has(name)) refuse(path, `two messages would be called ${name}; rename a field`, reading)
  const fields: Field[] = []
  // Before what is nested, so that one that holds itself is found again.
  reading.found.set(name, { name, fields })
  const required = new Set((shape.required ?? []) as string[])
  for (const [field, one] of Object.entries(shape.properties as Shape)) {
    const at = path === '' ? field : `${path}.${field}`
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(field))
      refuse(at, 'protobuf knows no such name; use letters, digits and _', reading)
    const [type, nullable] = typeOf(name, field, one, at, reading)
    const single = !type.startsWith('repeated ') && !type.startsWith('map<')
    if (nullable && !single) refuse(at, 'a list that may be null is none in protobuf; leave it empty, or out', reading)
    fields.push({ name: field, type: single && (nullable || !required.has(field)) ? `optional ${type}` : type })
  }
}

/** The type of a field, and whether it may be null. */
function typeOf(parent: string, field: string, given: unknown, path: string, reading: Reading): [string, boolean] {
  const parts = alternatives(given, reading)
  const others = parts.filter((part) => resolved(part, reading).type !== 'null')
  const nullable = others.length < parts.length
  const [only] = others
  const kinds = new Set(others.map((part) => scalarOf(resolved(part, reading))))
  const [scalar] = kinds
  if (kinds.size === 1 && scalar !== undefined) return [scalar, nullable]
  if (others.length !== 1) refuse(path, 'it is one of several kinds', reading)
  const shape = resolved(only, reading)
  if (shape.type === 'array') {
    const [item, holes] = typeOf(parent, field, shape.items, `${path}[]`, reading)
    if (holes || /^(repeated|map)\b/.test(item))
      refuse(path, 'a list of lists, or with nulls, has no message of its own', reading)
    return [`repeated ${item}`, nullable]
  }
  if (shape.type !== 'object') refuse(path, 'it may be anything', reading)
  if (isShape(shape.properties)) return [messageAt(parent, field, only, path, reading), nullable]
  if (!isShape(shape.additionalProperties)) refuse(path, 'it may be anything', reading)
  const [value, holes] = typeOf(parent, field, shape.additionalProperties, `${path}{}`, reading)
  if (holes || /^(repeated|map)\b/.test(value)) refuse(path, 'a map holds single values', reading)
  return [`map<string, ${value}>`, nullable]
}

/** A message of its own, nested where it is used; one with a name, which may hold itself, in the outermost. */
function messageAt(parent: string, field: string, given: unknown, path: string, reading: Reading): string {
  const { $ref } = given as Shape
  if (typeof $ref !== 'string') {
    readMessage(`${parent}.${pascal(field)}`, given, path, reading)
    return `${parent}.${pascal(field)}`
  }
  const def = $ref.split('/').at(-1) ?? ''
  if ($ref === '#') return reading.name
  if (!/^[A-Za-z]\w*$/.test(def))
    refuse(path, `a schema that is used in several places needs a name: .meta({ id: 'Line' })`, reading)
  const name = `${reading.name}.${pascal(def)}`
  if (!reading.found.has(name)) readMessage(name, given, path, reading)
  return name
}

function alternatives(given: unknown, reading: Reading): readonly unknown[] {
  const shape = resolved(given, reading)
  const parts = shape.anyOf ?? shape.oneOf
  if (Array.isArray(parts)) return parts.flatMap((part) => alternatives(part, reading))
  if (Array.isArray(shape.type)) return shape.type.map((type) => ({ ...shape, type }))
  return [given]
}

const scalars: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'bool',
  integer: 'int64',
  number: 'double',
}

function scalarOf(shape: Shape): string | undefined {
  const { type, enum: values, const: only } = shape
  if (typeof type === 'string') return scalars[type]
  const kinds = new Set((Array.isArray(values) ? values : [only]).map((value) => typeof value))
  const [kind = ''] = kinds
  return kinds.size === 1 ? scalars[kind] : undefined
}

function resolved(given: unknown, { root }: Reading): Shape {
  for (let shape = given, n = 0; n < 16; n++) {
    if (!isShape(shape)) return {}
    if (typeof shape.$ref !== 'string') return shape
    shape = resolveRef(shape.$ref, root)
  }
  return {}
}

const isShape = (value: unknown): value is Shape => typeof value === 'object' && value !== null && !Array.isArray(value)

export const pascal = (name: string): string =>
  name.replaceAll(/(?:^|[_-]+)([A-Za-z0-9])/g, (_, first: string) => first.toUpperCase())

function refuse(path: string, why: string, { label }: Reading): never {
  throw new SkerryError('invalid_config', `${label}${path === '' ? '' : ` ${path}`} cannot be said in protobuf: ${why}`)
}
