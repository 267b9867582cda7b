import { readFile } from 'node:fs/promises'
import { fromStructured } from '../../cloudevents.ts'
import type { AnyEvent } from '../../contract.ts'
import { messageOf, SkerryError } from '../../errors.ts'
import type { Random } from '../../ids.ts'
import type { AnyService } from '../../service.ts'
import { leafPaths } from './generate.ts'

/** Events that happened once, to make others like them. */
export interface Recorded {
  /** One event of the type as it was; `undefined` of a type that was not recorded. */
  whole(label: string): unknown
  /** A few values that a field had, by its path; the same few for all fields that have values in common. */
  values(label: string, path: string): readonly unknown[]
}

/** What was taken from a recording, and what was not. */
export interface Taken {
  readonly events: number
  readonly types: number
  /** Of types that nobody here handles. */
  readonly others: number
  /** Refused by their contracts: the line, and why. */
  readonly refused: readonly string[]
}

interface One {
  readonly label: string
  readonly data: unknown
  /** Values by the paths of their fields. */
  readonly leaves: ReadonlyMap<string, readonly unknown[]>
}

const fewValues = 3
/** So many events of one subject at most stand for it. */
const mostNear = 24
/** What is in more of the events than this, and in more than a few, is no subject. */
const manyShare = 0.1

/**
 * A recording, as `skerry tail` prints it: one CloudEvent in JSON on each line. Events of these types whose contracts accept
 * them are taken, older versions brought up to date.
 */
export class Recording {
  readonly taken: Taken
  readonly #events: readonly One[]
  readonly #byLabel: Map<string, One[]>
  /** Events by the texts in them: what has one in common is about one thing. */
  readonly #about = new Map<string, number[]>()
  readonly #groups = new Groups()

  private constructor(events: readonly One[], taken: Taken) {
    this.taken = taken
    this.#events = events
    this.#byLabel = Map.groupBy(events, ({ label }) => label)
    for (const [at, { label, leaves }] of events.entries())
      for (const [path, values] of leaves)
        for (const value of values) {
          this.#groups.add(`${label} ${path}`, value)
          if (typeof value !== 'string') continue
          const about = this.#about.get(value) ?? []
          this.#about.set(value, about)
          if (about.at(-1) !== at) about.push(at)
        }
  }

  /** Throws `invalid_event` naming the line that is no CloudEvent. */
  static of(text: string, types: readonly AnyEvent[]): Recording {
    const events: One[] = []
    const refused: string[] = []
    let others = 0
    for (const [at, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue
      const { stream, record } = eventIn(line, at + 1)
      const type = types.find(({ label }) => label === `${stream}.${record.type}`)
      if (!type) {
        others++
        continue
      }
      try {
        const data: unknown = JSON.parse(record.data)
        const current = record.version === type.version ? data : type.read(record.version, data)
        type.parse(current)
        events.push({ label: type.label, data: current, leaves: leafPaths(current) })
      } catch (error) {
        refused.push(`line ${at + 1}: ${messageOf(error)}`)
      }
    }
    const labels = new Set(events.map(({ label }) => label))
    return new Recording(events, { events: events.length, types: labels.size, others, refused })
  }

  /** For one trial: some events that have to do with one another, so that what is made of them meets. */
  draw(random: Random): Recorded {
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const near = this.#events.length === 0 ? [] : this.#near(pick(this.#events), random)
    const chosen = new Map<string, readonly unknown[]>()
    return {
      whole: (label) => {
        // The nearest come first.
        const own = near.filter((one) => one.label === label).slice(0, fewValues)
        const all = own.length > 0 ? own : (this.#byLabel.get(label) ?? [])
        return all.length > 0 ? structuredClone(pick(all).data) : undefined
      },
      values: (label, path) => {
        const group = this.#groups.of(`${label} ${path}`)
        const known = chosen.get(group)
        if (known) return known
        const there = near.flatMap((one) =>
          [...one.leaves].flatMap(([at, values]) => (this.#groups.of(`${one.label} ${at}`) === group ? values : [])),
        )
        const few = [...new Set([...there, ...some(this.#groups.values(group), fewValues, random)])].slice(0, fewValues)
        chosen.set(group, few)
        return few
      },
    }
  }

  /** What many say, such as a currency, does not make them belong together. */
  #near(one: One, random: Random): One[] {
    const texts = [...one.leaves.values()].flat().filter((value) => typeof value === 'string')
    const found = new Set([one])
    const many = Math.max(fewValues, this.#events.length * manyShare)
    const lists = texts.map((text) => this.#about.get(text) ?? []).filter((list) => list.length <= many)
    for (const list of lists)
      for (const at of some(list, mostNear - found.size, random)) found.add(this.#events[at] as One)
    return [...found]
  }
}

/** Reads a file for the handlers of some services. Throws `not_found`, `invalid_event`, and `invalid_config` if it gives nothing. */
export async function recordingOf(
  file: string | URL | undefined,
  services: readonly AnyService[],
): Promise<Recording | undefined> {
  if (file === undefined) return undefined
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SkerryError('not_found', `recorded events: ${file} cannot be read: ${messageOf(cause)}`, { cause })
  })
  const handlers = services.flatMap(({ subscriptions }) =>
    [...subscriptions.values()].flatMap((one) => [...one.handlers.values()]),
  )
  const recording = Recording.of(text, [...new Map(handlers.map(({ type }) => [type.label, type])).values()])
  const { events, others, refused } = recording.taken
  if (events > 0) return recording
  const why = refused[0] ?? `${others} events of types that nobody here handles`
  throw new SkerryError('invalid_config', `recorded events: ${file} has none that can be used (${why})`)
}

function eventIn(line: string, number: number): ReturnType<typeof fromStructured> {
  try {
    return fromStructured(line, 0)
  } catch (cause) {
    throw new SkerryError('invalid_event', `recorded events, line ${number}: ${messageOf(cause)}`, { cause })
  }
}

/** Fields that have values in common draw from the same: an order's id is one, whatever events call it. */
class Groups {
  readonly #parents = new Map<string, string>()
  readonly #byText = new Map<string, string>()
  readonly #values = new Map<string, Set<unknown>>()
  /** By group, once all are there. */
  readonly #all = new Map<string, readonly unknown[]>()

  add(field: string, value: unknown): void {
    if (!this.#parents.has(field)) this.#parents.set(field, field)
    this.#values.set(field, (this.#values.get(field) ?? new Set()).add(value))
    if (typeof value !== 'string') return
    const other = this.#byText.get(value)
    this.#byText.set(value, field)
    if (other !== undefined) this.#parents.set(this.of(other), this.of(field))
  }

  of(field: string): string {
    let at = field
    for (let parent = this.#parents.get(at); parent !== undefined && parent !== at; parent = this.#parents.get(at))
      at = parent
    return at
  }

  values(group: string): readonly unknown[] {
    const known = this.#all.get(group)
    if (known) return known
    const all = [...this.#values].flatMap(([field, values]) => (this.of(field) === group ? [...values] : []))
    this.#all.set(group, all)
    return all
  }
}

/** So many at most, drawn one by one. */
function some<T>(from: readonly T[], most: number, random: Random): T[] {
  if (from.length <= most) return [...from]
  const drawn = Array.from({ length: most }, () => from[Math.floor(random() * from.length)] as T)
  return [...new Set(drawn)]
}
