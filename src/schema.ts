import { type ErrorCode, messageOf, SkerryError } from './errors.ts'

/**
 * The part of Standard Schema v1 (standardschema.dev) that Skerry reads. zod, valibot, arktype and TypeBox give it;
 * Skerry depends on none of them.
 */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Result<Output> | Promise<Result<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    /** Standard JSON Schema v1, where the library gives it. */
    readonly jsonSchema?:
      | {
          readonly input: (options: { readonly target: string }) => Record<string, unknown>
          readonly output?: (options: { readonly target: string }) => Record<string, unknown>
        }
      | undefined
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a schema of anything; `unknown` would refuse every concrete input type
export type AnySchema<O = any> = Schema<any, O>

type Result<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] }
interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

export type Input<S> = S extends Schema<infer I, unknown> ? I : never
export type Output<S> = S extends Schema<infer _I, infer O> ? O : never

/**
 * The validated value, with the schema's defaults and transformations applied.
 * Throws `invalid_event`, or `code`, naming `what` and the path of the first problem; `invalid_config` for an asynchronous
 * schema, which could not run inside a transaction.
 */
export function validate<O>(schema: AnySchema<O>, value: unknown, what: string, code: ErrorCode = 'invalid_event'): O {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) {
    throw new SkerryError(
      'invalid_config',
      `${what}: its schema validates asynchronously; use checks that need no waiting`,
    )
  }
  if (result.issues === undefined) return result.value
  throw new SkerryError(code, `${what}: ${result.issues.slice(0, 3).map(describe).join('; ')}`)
}

function describe(issue: Issue): string {
  const path = issue.path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  return path ? `${path}: ${issue.message}` : issue.message
}

const target = 'draft-2020-12'

/** The path of the field that cannot be said, where the library shows the schemas of fields (`shape` of zod, `entries` of valibot); or ''. */
function fieldAtFault(schema: object, side: 'input' | 'output'): string {
  const { shape, entries } = schema as { readonly shape?: unknown; readonly entries?: unknown }
  const fields = (typeof shape === 'object' ? shape : entries) as Readonly<Record<string, AnySchema>> | undefined
  for (const [name, field] of Object.entries(fields ?? {})) {
    try {
      field['~standard']?.jsonSchema?.[side]?.({ target })
    } catch {
      const below = fieldAtFault(field, side)
      return below === '' ? name : `${name}.${below}`
    }
  }
  return ''
}

/**
 * The JSON Schema (draft 2020-12) of what is given (`input`), or of what the schema makes of it (`output`). Throws
 * `invalid_config` when the library gives none.
 */
export function jsonSchemaOf(
  schema: AnySchema,
  what: string,
  side: 'input' | 'output' = 'input',
): Record<string, unknown> {
  const { jsonSchema, vendor } = schema['~standard']
  const convert = jsonSchema?.[side]
  if (!convert)
    throw new SkerryError(
      'invalid_config',
      `${what}: ${vendor} gives no JSON Schema; use a version with Standard JSON Schema`,
    )
  try {
    return convert({ target })
  } catch (cause) {
    const field = fieldAtFault(schema, side)
    const message = `${what}: ${field === '' ? '' : `field ${field} of `}its schema cannot be said in JSON Schema: ${messageOf(cause)}`
    throw new SkerryError('invalid_config', message, { cause })
  }
}
