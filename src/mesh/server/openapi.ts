import type { AnyCall } from '../../call.ts'
import { type AnyContract, info } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import { deadlineHeader } from '../resilience/deadline.ts'
import type { Shape } from './coerce.ts'
import { keyHeader } from './headers.ts'
import { planInput } from './input.ts'
import { problemType } from './problem.ts'

type Schemas = Record<string, unknown>

/** OpenAPI 3.1 of all calls that contracts declare, from their schemas. */
export function openapiOf(contracts: readonly AnyContract[]): Record<string, unknown> {
  const schemas: Schemas = { Problem: problemSchema }
  const paths: Record<string, Record<string, unknown>> = {}
  for (const contract of contracts)
    for (const type of contract[info].calls.values()) {
      paths[type.path] ??= {}
      ;(paths[type.path] as Record<string, unknown>)[type.method.toLowerCase()] = operationOf(type, schemas)
    }
  const names = contracts.map((contract) => contract[info].name)
  return {
    openapi: '3.1.0',
    info: { title: names.join(', ') || 'no services', version: '1' },
    paths,
    components: {
      schemas,
      responses: { Problem: problemResponse },
      headers: {},
      parameters: { Deadline, IdempotencyKey },
    },
  }
}

function operationOf(type: AnyCall, schemas: Schemas): Record<string, unknown> {
  const plan = planInput(type)
  const input = hoist(`${type.label}.input`, plan.schema, schemas)
  const required = new Set((plan.schema.required ?? []) as string[])
  const parameter = (name: string, where: 'path' | 'query') => ({
    name,
    in: where,
    required: where === 'path' || required.has(name),
    schema: renamed(plan.properties[name], `${type.label}.input`),
  })
  const inQuery = plan.inQuery ? Object.keys(plan.properties).filter((name) => !plan.inPath.includes(name)) : []
  const keyed = type.idempotent ? [] : [ref('parameters', 'IdempotencyKey')]
  const parameters = [
    ...plan.inPath.map((name) => parameter(name, 'path')),
    ...inQuery.map((name) => parameter(name, 'query')),
    ref('parameters', 'Deadline'),
    ...keyed,
  ]
  return {
    operationId: type.label,
    tags: [type.service],
    parameters,
    ...(!plan.inQuery && { requestBody: bodyOf(type, plan.inPath, input, schemas) }),
    responses: responsesOf(type, schemas),
  }
}

function bodyOf(type: AnyCall, inPath: readonly string[], input: unknown, schemas: Schemas): Record<string, unknown> {
  let schema = input
  const whole = schemas[`${type.label}.input`] as Shape
  let needed = type.inputSchema().type !== 'object' || ((whole.required ?? []) as string[]).length > 0
  if (inPath.length > 0 && whole.properties) {
    const left = Object.entries(whole.properties).filter(([name]) => !inPath.includes(name))
    const required = ((whole.required ?? []) as string[]).filter((name) => !inPath.includes(name))
    needed = required.length > 0
    schemas[`${type.label}.body`] = { ...whole, properties: Object.fromEntries(left), required }
    schema = ref('schemas', `${type.label}.body`)
  }
  return { required: needed, content: { 'application/json': { schema } } }
}

function responsesOf(type: AnyCall, schemas: Schemas): Record<string, unknown> {
  const output = hoist(`${type.label}.output`, type.outputSchema(), schemas)
  const refusals = new Map<number, unknown[]>()
  for (const [reason, error] of type.errors) {
    const data = error.schema()
    const said = data && hoist(`${type.label}.${reason}`, data, schemas)
    const properties = { reason: { const: reason }, ...(said !== undefined && { data: said }) }
    const schema = { type: 'object', properties, required: Object.keys(properties) }
    refusals.set(error.status, [...(refusals.get(error.status) ?? []), schema])
  }
  const declared = [...refusals].map(([status, reasons]) => {
    // Others may come with this status, too.
    const schema = { allOf: [ref('schemas', 'Problem')], anyOf: [...reasons, { not: { required: ['reason'] } }] }
    return [status, { description: 'Refused', content: { [problemType]: { schema } } }] as const
  })
  return {
    200: { description: 'The answer', content: { 'application/json': { schema: output } } },
    ...Object.fromEntries(declared),
    default: ref('responses', 'Problem'),
  }
}

const ref = (kind: string, name: string): { readonly $ref: string } => ({ $ref: `#/components/${kind}/${name}` })

/** Makes components of a schema and of its definitions, and a reference to it. */
function hoist(name: string, schema: Shape, schemas: Schemas): { readonly $ref: string } {
  const { $schema: _, $defs, ...own } = schema
  for (const [def, inner] of Object.entries(($defs ?? {}) as Record<string, unknown>))
    schemas[`${name}.${partOf(name, def)}`] = renamed(inner, name)
  schemas[name] = renamed(own, name)
  return ref('schemas', name)
}

/** References to definitions lead to components. */
function renamed(schema: unknown, name: string): unknown {
  if (Array.isArray(schema)) return schema.map((one) => renamed(one, name))
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([keyword, value]) => {
    if (keyword !== '$ref' || typeof value !== 'string') return [keyword, renamed(value, name)]
    if (value === '#') return ['$ref', `#/components/schemas/${name}`]
    const [, def] = /^#\/\$defs\/([^/]+)$/.exec(value) ?? []
    return ['$ref', def === undefined ? value : `#/components/schemas/${name}.${partOf(name, def)}`]
  })
  return Object.fromEntries(entries)
}

/** Names of components know only letters, digits, '.', '-' and '_'. */
function partOf(name: string, def: string): string {
  if (/^[A-Za-z0-9._-]+$/.test(def)) return def
  throw new SkerryError('invalid_config', `${name}: OpenAPI knows no component '${def}'; name it by letters and digits`)
}

const Deadline = {
  name: deadlineHeader,
  in: 'header',
  description: 'How long the caller waits, in milliseconds; nothing takes effect after that.',
  schema: { type: 'integer', minimum: 1, maximum: 60_000 },
}

const IdempotencyKey = {
  name: keyHeader,
  in: 'header',
  description:
    'The call takes effect once, however often it comes with this key; 409 while the first runs, 422 for another input.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

const problemSchema = {
  type: 'object',
  description: 'A problem document (RFC 9457)',
  properties: {
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    reason: { type: 'string' },
    data: {},
  },
  required: ['title', 'status', 'code'],
}

const problemResponse = {
  description: 'What went wrong',
  content: { [problemType]: { schema: ref('schemas', 'Problem') } },
}
