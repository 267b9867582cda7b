import type { Job, Place } from './job.ts'
import { wordsOf } from './templates.ts'

/** One statement as it went, for showing where two runs part. */
export interface Spoken {
  readonly job: Job
  readonly site: string
  readonly text: string
  readonly rows: readonly unknown[]
  readonly changes: number
}

/** Which statements handlers ran. */
export class Statements {
  readonly #sites = new Map<string, string>()
  readonly #ran = new Map<string, Set<TemplateStringsArray>>()
  /** The words of all statements that a handler can come to. */
  reached: (place: Place) => ReadonlySet<string> = () => new Set()

  note(job: Job, template: TemplateStringsArray, site: string): void {
    const name = nameOf(job)
    if (!this.#sites.has(name)) this.#sites.set(name, site)
    const ran = this.#ran.get(name)
    if (ran) ran.add(template)
    else this.#ran.set(name, new Set([template]))
  }

  /** Where the first one that a handler ever ran stands; '' before there was one. */
  siteOf(place: Place): string {
    return this.#sites.get(nameOf(place)) ?? ''
  }

  /** From now on nothing has run. */
  begin(): void {
    this.#ran.clear()
  }

  /** Whether a handler has run all that it can come to, since it was begun. */
  hasRunAll(place: Place): boolean {
    const ran = new Set([...(this.#ran.get(nameOf(place)) ?? [])].map(wordsOf))
    return this.reached(place).isSubsetOf(ran)
  }
}

function nameOf({ reader, type }: Place): string {
  return `${reader} ${type.label}`
}
