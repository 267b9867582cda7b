import type { AnyEvent } from '../../contract.ts'
import { codeOf, messageOf, SkerryError } from '../../errors.ts'
import { type Delivery, defaultMaxEventBytes } from '../../event.ts'
import { isCarrier, requestedBy } from '../../flow/carried.ts'
import { compose } from '../../flow/compose.ts'
import { derivedId } from '../../ids.ts'
import type { Compared } from './compared.ts'
import { dataFrom, type Subject } from './generate.ts'
import type { Pools } from './pools.ts'
import type { Recorded } from './recorded.ts'

/** What a generator of one's own draws from. */
export interface Generating {
  /** One of three identities of a kind, the same three for all events of a trial. */
  id(kind: string): string
  /** A whole number, both bounds included. */
  int(least: number, most: number): number
  pick<T>(from: readonly T[]): T
  chance(share: number): boolean
}

export type Generator = (g: Generating) => unknown
export type Generators = ReadonlyMap<string, Generator>

/** Values of rows that are there, by the path of the field; `undefined` where nothing is known of the type. */
export type About = (type: AnyEvent, pools: Pools) => Subject['row']
const aboutShare = 0.6

/** Where values come from, beside schemas. */
export interface Sources {
  /** Finds them in the rows as they are when an event is made. */
  readonly about?: About
  readonly recorded?: Recorded | undefined
  readonly compared?: Compared | undefined
}

/** How often an event is one that was recorded, rather than one made of values that were. */
const wholeShare = 0.3

/** Names the fact that an event tells, where its contract says that it is told once. */
export function factOf(type: AnyEvent, { record }: Delivery): string | undefined {
  if (type.once === undefined) return undefined
  if (type.once === 'key') return `${type.label} ${record.key}`
  const data = JSON.parse(record.data) as Record<string, unknown>
  return `${type.label} ${JSON.stringify(type.once.map((field) => data[field] ?? null))}`
}

/** Events are published within this minute, in milliseconds since 1970: some at the same time, any before any other. */
const begins = Date.UTC(2026, 0, 1, 12)
const moments = 60
const mostTries = 40

/** Makes the events of one trial. */
export class Events {
  readonly pools: Pools
  readonly #generators: Generators
  readonly #seed: string
  readonly #about: About
  readonly #recorded: Recorded | undefined
  readonly #compared: Compared | undefined
  #used: ReadonlySet<string> = new Set()
  #made = 0

  constructor(pools: Pools, generators: Generators, seed: string, { about, recorded, compared }: Sources = {}) {
    this.pools = pools
    this.#generators = generators
    this.#seed = seed
    this.#about = about ?? (() => undefined)
    this.#recorded = recorded
    this.#compared = compared
  }

  /**
   * An event that its contract accepts. Throws `invalid_config` naming the type, the field and the remedy when none can be
   * made; `undefined` when there can be no further one, since all keys are taken.
   */
  make(type: AnyEvent, alike?: Subject['alike']): Delivery | undefined {
    let refused: unknown
    for (let n = 0; n < mostTries; n++) {
      try {
        const row = this.pools.chance(aboutShare) ? this.#about(type, this.pools) : undefined
        const delivery = this.#once(type, n < mostTries / 2 ? { alike, row } : {})
        const fact = factOf(type, delivery)
        if (fact !== undefined && this.#used.has(fact)) continue
        if (fact !== undefined) this.#used = new Set(this.#used).add(fact)
        return delivery
      } catch (error) {
        if (codeOf(error) !== 'invalid_event' && codeOf(error) !== 'invalid_request') throw error
        refused = error
      }
    }
    if (refused === undefined) return undefined
    throw new SkerryError(
      'invalid_config',
      `${type.label}: ${mostTries} events made from its schema were all refused (${messageOf(refused)}); supply a generator: generate: [[${namable(type)}, (g) => …]]`,
      { cause: refused },
    )
  }

  /** Facts that were told so far; `untell` takes back what was told since. */
  get told(): ReadonlySet<string> {
    return this.#used
  }

  untell(told: ReadonlySet<string>): void {
    this.#used = told
  }

  #once(type: AnyEvent, subject: Subject): Delivery {
    const data = this.#wholeOf(type) ?? this.#madeOf(type, subject)
    const now = begins + Math.floor(this.pools.random() * moments) * 1000
    const id = derivedId('check', this.#seed, String(this.#made++))
    const record = compose(type, data, undefined, { id, now, maxBytes: defaultMaxEventBytes })
    const key = isCarrier(type.name) ? this.#keyGiven(type, subject) : record.key
    return { stream: type.service, position: this.#made, record: { ...record, key } }
  }

  /** Any: events of one key alone would leave nothing open under key order. */
  #keyGiven({ label }: AnyEvent, subject: Subject): string {
    const schema = { type: 'object', properties: { key: { type: 'string' } }, required: ['key'] }
    return (dataFrom(schema, this.pools, label, subject) as { readonly key: string }).key
  }

  #wholeOf({ label }: AnyEvent): unknown {
    return this.#recorded && this.pools.chance(wholeShare) ? this.#recorded.whole(label) : undefined
  }

  #madeOf(type: AnyEvent, subject: Subject): unknown {
    const generator = this.#generators.get(namable(type))
    if (generator) return generator(this.#generating())
    const [recorded, compared] = [this.#recorded, this.#compared]
    return dataFrom(schemaOf(type), this.pools, namable(type), {
      ...{ ...subject, compared },
      ...(recorded && { recorded: (path: string) => recorded.values(type.label, path) }),
    })
  }

  #generating(): Generating {
    const { pools } = this
    return {
      id: (kind) => `${kind}-${pools.pick([1, 2, 3])}`,
      int: (least, most) => least + Math.floor(pools.random() * (most - least + 1)),
      pick: (from) => pools.pick(from),
      chance: (share) => pools.chance(share),
    }
  }
}

/** What carries a call has no name in anybody's code. */
const namable = ({ label }: AnyEvent): string => requestedBy(label) ?? label

const schemas = new WeakMap<AnyEvent, Record<string, unknown>>()

function schemaOf(type: AnyEvent): Record<string, unknown> {
  const known = schemas.get(type)
  if (known) return known
  try {
    const schema = type.jsonSchema()
    schemas.set(type, schema)
    return schema
  } catch (cause) {
    throw new SkerryError(
      'invalid_config',
      `${messageOf(cause)}; or supply a generator: generate: [[${namable(type)}, (g) => …]]`,
      {
        cause,
      },
    )
  }
}
