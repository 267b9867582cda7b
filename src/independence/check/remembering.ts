import { inspect } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { messageOf } from '../../errors.ts'
import type { Memories, Remembered } from '../../memories.ts'

/** What each of two instances of a service remembers, as data that can be kept and had back. */
export type Kept = readonly [Buffer, Buffer]

/** How a step used the memory of its instance. */
export interface Used {
  readonly uses: number
  readonly changed: boolean
  /** Why it cannot be had back, if it cannot. */
  readonly problem: string | undefined
}

/**
 * The declared memory of a service, in two running instances. Between steps it is data; during a step it is there as the
 * handlers know it, once for all handlers of an instance that are under way at the same time.
 */
export class Remembering {
  kept: Kept
  readonly #memories: Memories
  readonly #fresh: Buffer
  readonly #awake = new Map<number, { readonly live: Remembered; sleepers: number }>()

  constructor(memories: Memories) {
    this.#memories = memories
    const fresh = memories.fresh().values
    this.#fresh = problemOf(fresh) === undefined ? serialize(fresh) : serialize([])
    this.kept = [this.#fresh, this.#fresh]
  }

  /** Runs work as that instance, until the promise that it gives is settled; tells how it used the memory. */
  async during<T>(instance: number, work: () => Promise<T>): Promise<readonly [T, Used]> {
    const awake = this.#awake.get(instance) ?? { live: this.#wake(instance), sleepers: 0 }
    this.#awake.set(instance, awake)
    awake.sleepers++
    const before = awake.live.uses
    const result = await this.#memories.as(awake.live, work)
    awake.sleepers--
    if (awake.sleepers === 0) this.#awake.delete(instance)
    return [result, this.#keep(instance, awake.live.values, awake.live.uses - before)]
  }

  /** Its process ends. */
  crash(instance: number): void {
    this.kept = this.kept.with(instance, this.#fresh) as [Buffer, Buffer]
  }

  #wake(instance: number): Remembered {
    return { values: deserialize(this.kept[instance] as Buffer) as object[], uses: 0 }
  }

  #keep(instance: number, values: readonly object[], uses: number): Used {
    if (uses === 0) return { uses, changed: false, problem: undefined }
    const problem = problemOf(values)
    if (problem !== undefined) return { uses, changed: true, problem }
    const before = this.kept[instance] as Buffer
    const bytes = serialize(values)
    if (bytes.equals(before)) return { uses, changed: false, problem }
    this.kept = this.kept.with(instance, bytes) as [Buffer, Buffer]
    // Equal values may be written in several ways.
    const changed = textOf(values) !== textOf(deserialize(before))
    return { uses, changed, problem }
  }
}

/** With the order of maps and sets, which may matter. */
function textOf(values: unknown): string {
  return inspect(values, { depth: null, maxArrayLength: null, maxStringLength: null })
}

/** Why values would not come back as they were: functions cannot be copied, and objects of a class would lose it. */
function problemOf(values: unknown): string | undefined {
  const seen = new Set<object>()
  const odd = oddIn(values, seen)
  if (odd !== undefined) return odd
  try {
    serialize(values)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

const plain: ReadonlySet<unknown> = new Set([
  ...[null, Object.prototype, Array.prototype, Map.prototype, Set.prototype, Date.prototype, RegExp.prototype],
  ...[Uint8Array.prototype, Buffer.prototype, ArrayBuffer.prototype, Float64Array.prototype, Int32Array.prototype],
])

function oddIn(value: unknown, seen: Set<object>): string | undefined {
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined
  seen.add(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!plain.has(prototype))
    return `an object of ${(value.constructor as { name?: string } | undefined)?.name ?? 'a class'}`
  const parts = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value)
  if (ArrayBuffer.isView(value)) return undefined
  for (const part of parts) {
    const odd = oddIn(part, seen)
    if (odd !== undefined) return odd
  }
  return undefined
}
