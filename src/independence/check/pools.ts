import type { Random } from '../../ids.ts'
import { textFor } from './pattern.ts'

/** Few values, so that events meet: with random identities nothing ever would. */
const poolSize = 3
/** In some trials more: what is limited to a few shows only where there are more than these. */
const largePool = 6
const largeShare = 0.25
/** How often a value is taken from rows that another event left. */
const refillShare = 0.25
const mostRefilled = 12
/** How often identities are those that migrations made, where there are such. */
const thereShare = 0.5

const numbers = [1, 2, 3, 4, 5, 6]
const letters = ['a', 'b', 'c', 'd', 'e', 'f']

const wholes = [0, 1, 2, 3, 5, 10, 100, -1] as const
const halves = [0, 1, 2.5, 10, 0.5, -1.5] as const

/** Values by the name of the field, as an application's author gives them. */
export type Given = Readonly<Record<string, readonly unknown[]>>

/** What a leaf of a schema asks for. */
export interface Leaf {
  /** Of its field. */
  readonly name: string
  readonly type: 'string' | 'integer' | 'number'
  readonly format?: string | undefined
  readonly pattern?: string | undefined
  readonly fits: (value: unknown) => boolean
  /** When no shared value fits. */
  readonly instead: () => unknown
}

/** The values of one trial: leaves of equal type and format draw from the same few, whatever they are called. */
export class Pools {
  readonly random: Random
  readonly #pools = new Map<string, readonly unknown[]>()
  #refilled: unknown[] = []
  /** By the name of the field: whether most events of the trial have the same in it. Half of the fields do. */
  readonly #focused = new Map<string, boolean>()
  readonly #decisive = new Map<string, readonly unknown[]>()
  readonly #size: number

  readonly #given: Given
  readonly #there: readonly (readonly unknown[])[]

  /** `there`: identities of rows that are there before any event, by column. */
  constructor(random: Random, given: Given = {}, there: readonly (readonly unknown[])[] = []) {
    this.random = random
    this.#given = given
    this.#there = there
    this.#size = this.chance(largeShare) ? largePool : poolSize
  }

  /** The values that fields of this name may have, where somebody said. */
  given(name: string): readonly unknown[] | undefined {
    return Object.hasOwn(this.#given, name) ? this.#given[name] : undefined
  }

  /** Any of them; where trials are about one thing, the first one more often than not. */
  prefer<T>(from: readonly T[], name: string): T {
    const focused = this.#focused.get(name) ?? this.chance(0.5)
    this.#focused.set(name, focused)
    return focused && this.chance(0.7) ? (from[0] as T) : this.pick(from)
  }

  /** One of a few values that decide something: in a share of trials most events have them in that field, in others none. */
  decisive(values: readonly unknown[], name: string, share: number): unknown {
    if (values.length === 0) return undefined
    const some = (): unknown[] => Array.from({ length: poolSize }, () => this.pick(values))
    const chosen = this.#decisive.get(name) ?? (this.chance(share) ? some() : [])
    this.#decisive.set(name, chosen)
    return chosen.length > 0 && this.chance(0.8) ? this.pick(chosen) : undefined
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T
  }

  chance(share: number): boolean {
    return this.random() < share
  }

  /** A value for a leaf, or `undefined` where none can be made. */
  leaf(leaf: Leaf): unknown {
    const known = this.#refilled.filter((value) => isOf(leaf, value) && leaf.fits(value))
    if (known.length > 0 && this.chance(refillShare)) return this.pick(known)
    const fitting = this.#pool(leaf).filter(leaf.fits)
    if (fitting.length > 0) return this.prefer(fitting, leaf.name)
    return leaf.instead()
  }

  /** Makes values that rows hold available to the events that come. */
  refill(values: Iterable<unknown>): void {
    const plain = [...values].filter((value) => typeof value === 'string' || typeof value === 'number')
    this.#refilled = [...new Set([...plain, ...this.#refilled])].slice(0, mostRefilled)
  }

  #pool(leaf: Leaf): readonly unknown[] {
    const name = `${leaf.type} ${leaf.format ?? ''} ${leaf.format === undefined ? (leaf.pattern ?? '') : ''}`
    const known = this.#pools.get(name)
    if (known) return known
    const made = this.#those(leaf) ?? this.#make(leaf)
    this.#pools.set(name, made)
    return made
  }

  /** Of one kind of things that are there. */
  #those(leaf: Leaf): readonly unknown[] | undefined {
    const fitting = this.#there
      .map((values) => values.filter((value) => isOf(leaf, value) && leaf.fits(value)))
      .filter((values) => values.length > 0)
    if (fitting.length === 0 || !this.chance(thereShare)) return undefined
    return this.pick(fitting).slice(0, this.#size)
  }

  #make({ type, format, pattern }: Leaf): unknown[] {
    if (type === 'integer') return this.#some(wholes)
    if (type === 'number') return this.#some(halves)
    const formatted = format === undefined ? undefined : byFormat[format]
    if (formatted) return numbers.slice(0, this.#size).map(formatted)
    if (pattern !== undefined)
      return Array.from({ length: this.#size }, () => textFor(pattern, this.random)).filter(
        (text) => text !== undefined,
      )
    return letters.slice(0, this.#size)
  }

  /** As many of them as there are values, in which 1 and 2 are more often than not. */
  #some(from: readonly number[]): number[] {
    if (this.chance(0.3)) return [1, 2, 3]
    const left = [...from]
    return Array.from(
      { length: this.#size },
      () => left.splice(Math.floor(this.random() * left.length), 1)[0] as number,
    )
  }
}

function isOf({ type }: Leaf, value: unknown): boolean {
  return type === 'string' ? typeof value === 'string' : typeof value === 'number'
}

const byFormat: Readonly<Record<string, (n: number) => string>> = {
  uuid: (n) => `00000000-0000-4000-8000-00000000000${n}`,
  guid: (n) => `00000000-0000-4000-8000-00000000000${n}`,
  'date-time': (n) => `2026-01-0${n}T10:00:00.000Z`,
  date: (n) => `2026-01-0${n}`,
  time: (n) => `10:00:0${n}`,
  duration: (n) => `PT${n}H`,
  email: (n) => `${letters[n - 1]}@example.org`,
  uri: (n) => `https://example.org/${n}`,
  url: (n) => `https://example.org/${n}`,
  ipv4: (n) => `192.0.2.${n}`,
  ipv6: (n) => `2001:db8::${n}`,
  hostname: (n) => `${letters[n - 1]}.example.org`,
}
