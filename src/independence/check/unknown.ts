import type { AnyCall } from '../../call.ts'
import type { AnyEvent } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import { isMeant } from '../../flow/carried.ts'
import { nearest } from '../../nearest.ts'
import type { AnyService } from '../../service.ts'
import { handledBy } from './calls.ts'
import type { Claimed } from './cells.ts'
import type { Given } from './pools.ts'
import type { System } from './system.ts'

interface Naming {
  readonly generate?: readonly (readonly [type: AnyEvent | AnyCall, make: unknown])[]
  readonly claims?: readonly Claimed[]
}

/** A name that nothing has would be heeded by nobody. Throws `not_found` with the nearest one. */
export function refuseUnknown(services: readonly AnyService[], { generate = [], claims = [] }: Naming): void {
  const known = services.flatMap((service) => handledBy(service).map(({ type }) => type.label))
  const named = [
    ...generate.map(([type]) => ['generate', type] as const),
    ...claims
      .flatMap((claim) => (typeof claim === 'string' ? [] : claim.slice(1)))
      .map((type) => ['claims', type as AnyEvent | AnyCall] as const),
  ]
  for (const [where, type] of named)
    if (!known.some((label) => (where === 'claims' ? isMeant(type, label) : label === type.label)))
      throw new SkerryError('not_found', `${where}: no handler for ${type.label}; ${nearestOf(type.label, known)}`)
}

/** Of fields that values are given for, those that no event has. */
export function unknownFields({ places }: System, values: Given): string[] {
  const fields = fieldsOf(places.map(({ type }) => type))
  return Object.keys(values)
    .filter((name) => fields && !fields.has(name))
    .map((name) => `values: no event has a field ${name}; ${nearestOf(name, [...(fields ?? [])])}`)
}

function nearestOf(name: string, known: readonly string[]): string {
  return `the nearest is '${nearest(name, known) ?? '(none)'}'`
}

/** The names of all fields; `undefined` where some may have any name, or a schema cannot be read. */
function fieldsOf(types: readonly AnyEvent[]): ReadonlySet<string> | undefined {
  const found = new Set<string>()
  let open = false
  const walk = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    const { properties, additionalProperties, patternProperties } = schema as Readonly<Record<string, unknown>>
    for (const name of Object.keys(properties ?? {})) found.add(name)
    if (isFull(additionalProperties) || isFull(patternProperties)) open = true
    for (const part of Object.values(schema)) walk(part)
  }
  try {
    for (const type of types) walk(type.jsonSchema())
  } catch {
    return undefined
  }
  return open ? undefined : found
}

function isFull(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}
