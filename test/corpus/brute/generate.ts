import type { AnyEvent } from '../../../src/contract.ts'
import type { Delivery } from '../../../src/event.ts'
import { derivedId, type Random } from '../../../src/ids.ts'
import type { Checks } from '../checks.ts'

type Json = Readonly<Record<string, unknown>>

/** Leaves of one name share so few values that events meet. */
const poolSize = 3
const start = Date.parse('2026-01-01T00:00:00Z')

const schemas = new WeakMap<AnyEvent, Json>()

function schemaOf(type: AnyEvent): Json {
  const known = schemas.get(type) ?? (type.jsonSchema() as Json)
  schemas.set(type, known)
  return known
}

/** Makes events for one trial: facts that happen once are told once, and ids and times differ from trial to trial. */
export class Generator {
  readonly #checks: Checks
  readonly #random: Random
  readonly #facts = new Map<string, string>()
  #made = 0

  constructor(checks: Checks, random: Random) {
    this.#checks = checks
    this.#random = random
  }

  /** Undefined when every fact of this type has been told. */
  event(type: AnyEvent): Delivery | undefined {
    for (let tries = 0; tries < 20; tries++) {
      const data = this.#value(schemaOf(type), '')
      const delivery = this.#told(type, data)
      if (delivery) return delivery
    }
    return undefined
  }

  /** The same fact under a new id, some time later or earlier. */
  again(original: Delivery): Delivery {
    return { ...original, record: { ...original.record, id: this.#id(), time: original.record.time } }
  }

  #told(type: AnyEvent, data: unknown): Delivery | undefined {
    const parsed = type.parse(data)
    const key = type.keyOf(parsed)
    const text = JSON.stringify(parsed)
    const by = this.#checks.once?.[type.label]
    if (by) {
      const fact = by === 'key' ? key : JSON.stringify(by.map((field) => (parsed as Json)[field]))
      const name = `${type.label} ${fact}`
      if (this.#facts.has(name)) return undefined
      this.#facts.set(name, text)
    }
    const record = {
      ...{ id: this.#id(), type: type.name, version: type.version, key, data: text },
      ...{ time: start + 1000 * Math.floor(this.#random() * 5), due: 0, expires: 0, attributes: undefined },
    }
    return { stream: type.service, position: this.#made, record }
  }

  #id(): string {
    return derivedId('brute', String(this.#made++), String(this.#random()))
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)] as T
  }

  #value(schema: Json, leaf: string): unknown {
    const given = this.#checks.leaves?.[leaf]
    if (given) return this.#pick(given)
    if ('const' in schema) return schema.const
    if (Array.isArray(schema.enum)) return this.#pick(schema.enum)
    const options = (schema.anyOf ?? schema.oneOf) as Json[] | undefined
    if (options) return this.#value(this.#pick(options), leaf)
    if (Array.isArray(schema.type)) return this.#value({ ...schema, type: this.#pick(schema.type) }, leaf)
    switch (schema.type) {
      case 'object':
        return this.#object(schema)
      case 'array':
        return Array.from({ length: Number(schema.minItems ?? 0) + Math.floor(this.#random() * 3) }, () =>
          this.#value(schema.items as Json, leaf),
        )
      case 'string':
        return `${leaf}-${this.#pick([1, 2, 3])}`
      case 'integer':
      case 'number':
        return this.#number(schema)
      case 'boolean':
        return this.#random() < 0.5
      case 'null':
        return null
    }
    throw new Error(`${leaf}: nothing can be generated from ${JSON.stringify(schema)}; give values in checks.leaves`)
  }

  #object(schema: Json): Json {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>)
    const required = (schema.required ?? []) as readonly string[]
    const present = properties.filter(([name]) => required.includes(name) || this.#random() < 0.5)
    return Object.fromEntries(present.map(([name, inner]) => [name, this.#value(inner, name)]))
  }

  #number(schema: Json): number {
    const low = 'exclusiveMinimum' in schema ? Number(schema.exclusiveMinimum) + 1 : Number(schema.minimum ?? 1)
    // A schema of whole numbers says how far numbers reach, which is no bound that anybody meant.
    const least = low < -1e9 ? 1 : low
    const most = Math.min(Number(schema.maximum ?? Number.POSITIVE_INFINITY), least + poolSize - 1)
    return least + Math.floor(this.#random() * (most - least + 1))
  }
}
