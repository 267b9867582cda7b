import { SkerryError } from '../../errors.ts'
import type { Compared } from './compared.ts'
import type { Pools } from './pools.ts'

type JsonSchema = { readonly [keyword: string]: unknown }

/** What an event is to be about. */
export interface Subject {
  /** Values of another event, by the names of their fields: two events are often about one thing. */
  readonly alike?: ReadonlyMap<string, readonly unknown[]> | undefined
  /** A value of the rows that are there, for the field of that path. */
  readonly row?: ((path: string) => unknown) | undefined
  /** A few values that the field of that path had in recorded events. */
  readonly recorded?: ((path: string) => readonly unknown[]) | undefined
  /** What handlers compare fields with. */
  readonly compared?: Compared | undefined
}

const mostDepth = 6
const rowShare = 0.85
const alikeShare = 0.75
const recordedShare = 0.75
/** How often a field has values that code compares it with, or numbers that code names. */
const comparedShare = 0.4
const namedShare = 0.35

/**
 * Data from a JSON Schema. What the schema says in words that are not understood here (`not`, conditions between fields) is
 * left to its own validation. Throws `invalid_config` naming the field that nothing can be made for.
 */
export function dataFrom(schema: JsonSchema, pools: Pools, label: string, subject: Subject = {}): unknown {
  return new Maker(schema, pools, label, subject).make(schema, [], 0)
}

class Maker {
  readonly #root: JsonSchema
  readonly #pools: Pools
  readonly #label: string
  readonly #subject: Subject

  constructor(root: JsonSchema, pools: Pools, label: string, subject: Subject) {
    this.#root = root
    this.#pools = pools
    this.#label = label
    this.#subject = subject
  }

  make(given: JsonSchema, path: readonly string[], depth: number): unknown {
    const schema = this.#resolve(given, path)
    if ('const' in schema) return schema.const
    if (Array.isArray(schema.enum)) {
      const members: readonly unknown[] = schema.enum
      return this.#drawn(path, (value) => members.includes(value)) ?? this.#pools.pick(members)
    }
    const choices = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined
    if (choices) return this.make({ ...without(schema), ...this.#choose(choices, depth) }, path, depth)
    const type = Array.isArray(schema.type) ? this.#pools.pick(schema.type as string[]) : schema.type
    switch (type) {
      case 'object':
        return this.#object(schema, path, depth)
      case 'array':
        return this.#array(schema, path, depth)
      case 'null':
        return null
      case 'boolean':
        return this.#drawn(path, (value) => typeof value === 'boolean') ?? this.#pools.chance(0.5)
      case 'integer':
      case 'number':
        return this.#number(schema, type, path)
      case undefined:
        return 'properties' in schema ? this.#object(schema, path, depth) : this.#string({}, path)
      default:
        return this.#string(schema, path)
    }
  }

  /** Near the bottom the plainest choice is taken, so that what contains itself comes to an end. */
  #choose(choices: readonly JsonSchema[], depth: number): JsonSchema {
    const plain = choices.find((choice) => choice.type !== 'object' && choice.type !== 'array' && !choice.$ref)
    if (depth > mostDepth && plain) return plain
    // What is missing meets nothing: it is tried, but seldom.
    const present = choices.filter((choice) => choice.type !== 'null')
    return this.#pools.pick(present.length > 0 && this.#pools.chance(0.8) ? present : choices)
  }

  #resolve(schema: JsonSchema, path: readonly string[]): JsonSchema {
    let resolved = schema
    for (let hops = 0; typeof resolved.$ref === 'string' && hops < 20; hops++)
      resolved = this.#follow(resolved.$ref, path)
    if (!Array.isArray(resolved.allOf)) return resolved
    return resolved.allOf.reduce<JsonSchema>((merged, part) => merge(merged, this.#resolve(part as JsonSchema, path)), {
      ...resolved,
      allOf: undefined,
    })
  }

  #follow(ref: string, path: readonly string[]): JsonSchema {
    let at: unknown = this.#root
    for (const part of ref.split('/').slice(1))
      at = (at as JsonSchema | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
    if (ref.startsWith('#') && typeof at === 'object' && at !== null) return at as JsonSchema
    return this.#refuse(path, `its schema refers to ${ref}, which is not in it`)
  }

  #object(schema: JsonSchema, path: readonly string[], depth: number): unknown {
    const required = new Set((schema.required as string[] | undefined) ?? [])
    const made: Record<string, unknown> = {}
    for (const [name, field] of Object.entries((schema.properties as Record<string, JsonSchema> | undefined) ?? {})) {
      const optional = !required.has(name)
      if (optional && (depth > mostDepth || this.#pools.chance(0.3))) continue
      made[name] = this.make(field, [...path, name], depth + 1)
    }
    const more = schema.additionalProperties as JsonSchema | boolean | undefined
    if (typeof more === 'object' && Object.keys(more).length > 0 && depth <= mostDepth)
      for (let n = Math.floor(this.#pools.random() * 3); n > 0; n--) {
        const name = String(
          this.make((schema.propertyNames as JsonSchema | undefined) ?? { type: 'string' }, path, depth),
        )
        made[name] = this.make(more, [...path, name], depth + 1)
      }
    return made
  }

  #array(schema: JsonSchema, path: readonly string[], depth: number): unknown[] {
    const first = ((schema.prefixItems as JsonSchema[] | undefined) ?? []).map((item, at) =>
      this.make(item, [...path, String(at)], depth + 1),
    )
    const items = schema.items as JsonSchema | boolean | undefined
    if (typeof items !== 'object') return first
    const least = Math.max(0, Number(schema.minItems ?? 0) - first.length)
    const most = Math.min(Number(schema.maxItems ?? Number.POSITIVE_INFINITY), least + (depth > mostDepth ? 0 : 2))
    const length = least + Math.floor(this.#pools.random() * (Math.max(least, most) - least + 1))
    return [...first, ...Array.from({ length }, () => this.make(items, [...path, '[]'], depth + 1))]
  }

  #number(schema: JsonSchema, type: 'integer' | 'number', path: readonly string[]): unknown {
    const low = Math.max(Number(schema.minimum ?? -Infinity), above(schema.exclusiveMinimum, type))
    const high = Math.min(Number(schema.maximum ?? Infinity), below(schema.exclusiveMaximum, type))
    const step = Number(schema.multipleOf ?? 0)
    const fits = (value: unknown): boolean =>
      typeof value === 'number' &&
      value >= low &&
      value <= high &&
      (step === 0 || value % step === 0) &&
      (type === 'number' || Number.isInteger(value))
    const instead = (): number => {
      const from = Number.isFinite(low) ? low : Number.isFinite(high) ? high - 2 : 0
      const unit = step > 0 ? step : 1
      return Math.min(high, Math.ceil(from / unit) * unit + Math.floor(this.#pools.random() * 3) * unit)
    }
    return this.#drawn(path, fits) ?? this.#pools.leaf({ name: nameOf(path), type, fits, instead })
  }

  #string(schema: JsonSchema, path: readonly string[]): unknown {
    const least = Number(schema.minLength ?? 0)
    const most = Number(schema.maxLength ?? Number.POSITIVE_INFINITY)
    const pattern = schema.pattern as string | undefined
    const expression = pattern === undefined ? undefined : expressionOf(pattern)
    const fits = (value: unknown): boolean => {
      if (typeof value !== 'string') return false
      return value.length >= least && value.length <= most && (expression?.test(value) ?? true)
    }
    const drawn = this.#drawn(path, fits)
    if (drawn !== undefined) return drawn
    const instead = (): unknown =>
      pattern === undefined ? this.#pools.pick(['a', 'b', 'c']).repeat(Math.max(1, least)).slice(0, most) : undefined
    const made = this.#pools.leaf({
      name: nameOf(path),
      type: 'string',
      format: schema.format as string | undefined,
      pattern,
      fits,
      instead,
    })
    return made ?? this.#refuse(path, `nothing can be made that matches ${pattern}`)
  }

  /** A value that somebody named, of a row that is there, or of the other event; `undefined` where it is to be made. */
  #drawn(path: readonly string[], fits: (value: unknown) => boolean): unknown {
    const name = nameOf(path)
    const given = this.#pools.given(name)
    const mayBe = (value: unknown): boolean => fits(value) && (given?.includes(value) ?? true)
    const { row, alike, recorded } = this.#subject
    const there = row && this.#pools.chance(rowShare) ? row(path.join('.')) : undefined
    if (there !== undefined && mayBe(there)) return there
    const values = alike?.get(name)?.filter(mayBe) ?? []
    if (values.length > 0 && this.#pools.chance(alikeShare)) return this.#pools.pick(values)
    const named = given?.filter(fits) ?? []
    if (named.length > 0) return this.#pools.prefer(named, name)
    const before = recorded?.(path.join('.')).filter(fits) ?? []
    if (before.length > 0 && this.#pools.chance(recordedShare)) return this.#pools.prefer(before, name)
    const compared = this.#subject.compared
    const decisive = compared?.get(name)?.filter(fits) ?? []
    return decisive.length > 0
      ? this.#pools.decisive(decisive, name, comparedShare)
      : this.#pools.decisive(compared?.get('')?.filter(fits) ?? [], name, namedShare)
  }

  #refuse(path: readonly string[], why: string): never {
    throw new SkerryError(
      'invalid_config',
      `${this.#label}: field ${path.join('.') || '(all of it)'}: ${why}; supply a generator: generate: [[${this.#label}, (g) => …]]`,
    )
  }
}

/** The field that a value is in. */
function nameOf(path: readonly string[]): string {
  return path.findLast((part) => part !== '[]') ?? ''
}

function without({ anyOf: _any, oneOf: _one, ...rest }: JsonSchema): JsonSchema {
  return rest
}

function merge(a: JsonSchema, b: JsonSchema): JsonSchema {
  return {
    ...a,
    ...b,
    properties: { ...(a.properties as object | undefined), ...(b.properties as object | undefined) },
    required: [...((a.required as string[] | undefined) ?? []), ...((b.required as string[] | undefined) ?? [])],
  }
}

function above(bound: unknown, type: 'integer' | 'number'): number {
  return typeof bound === 'number'
    ? bound + (type === 'integer' ? 1 : Number.EPSILON * Math.max(1, Math.abs(bound)))
    : -Infinity
}

function below(bound: unknown, type: 'integer' | 'number'): number {
  return typeof bound === 'number'
    ? bound - (type === 'integer' ? 1 : Number.EPSILON * Math.max(1, Math.abs(bound)))
    : Infinity
}

function expressionOf(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return undefined
  }
}

/** Collects the leaves of some data by the names of their fields. */
export function leavesOf(data: unknown, into = new Map<string, unknown[]>(), name = ''): Map<string, unknown[]> {
  if (Array.isArray(data)) for (const item of data) leavesOf(item, into, name)
  else if (typeof data === 'object' && data !== null)
    for (const [field, value] of Object.entries(data)) leavesOf(value, into, field)
  else into.set(name, [...(into.get(name) ?? []), data])
  return into
}

/** The same by the paths of their fields, as `row` of a subject takes them: `lines.[].sku`. */
export function leafPaths(data: unknown, path = '', into = new Map<string, unknown[]>()): Map<string, unknown[]> {
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`)
  if (Array.isArray(data)) for (const item of data) leafPaths(item, below('[]'), into)
  else if (typeof data === 'object' && data !== null)
    for (const [field, value] of Object.entries(data)) leafPaths(value, below(field), into)
  else into.set(path, [...(into.get(path) ?? []), data])
  return into
}
