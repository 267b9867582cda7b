import type { AnyEvent } from '../../contract.ts'
import { messageOf } from '../../errors.ts'
import type { Delivery } from '../../event.ts'
import { seededRandom } from '../../ids.ts'
import type { AnyService } from '../../service.ts'
import type { Table } from '../../store/sqlite/observed/tables.ts'
import type { Row } from '../../store/store.ts'
import { type Compared, comparedIn } from './compared.ts'
import { Events, type Generators } from './events.ts'
import { Flow } from './flow.ts'
import type { Invariants } from './invariants.ts'
import type { Job, Place, Unit } from './job.ts'
import { type Link, Links } from './links.ts'
import type { OutsideStubs } from './outside.ts'
import { type Given, Pools } from './pools.ts'
import type { Recording } from './recorded.ts'
import { World } from './world.ts'
import type { WorldOptions } from './world-options.ts'

export interface SystemOptions {
  readonly seed: number
  readonly generators: Generators
  /** Values by the names of fields. */
  readonly values: Given
  /** Events that happened. */
  readonly recording?: Recording | undefined
  /** The text of all functions that handlers come to. */
  readonly sourcesOf?: (places: readonly Place[]) => Iterable<string>
  readonly outside: OutsideStubs
  readonly invariants: Invariants
  /** What must hold once all is quiet. */
  readonly eventually: Invariants
  /** Handlers that are not run any more, as `reader type`, and why. */
  readonly withhold: ReadonlyMap<string, string>
  readonly onStep?: (job: Job) => void
  readonly locate?: WorldOptions['locate']
}

/** How many small histories are run at first, to learn who emits what. */
const surveys = 24
const surveyEvents = 4
const surveySteps = 60

/** The services under check, and what was learned about how events flow among them. */
export class System {
  readonly world: World
  readonly flow: Flow
  readonly options: SystemOptions
  /** Events that come from outside: nobody here was seen to emit them. */
  first: readonly AnyEvent[] = []
  /** Events that could not be made, and the remedy. */
  readonly problems: string[] = []
  readonly #unmade = new Set<string>()
  readonly #base: ReturnType<Flow['mark']>
  readonly #links = new Links()
  readonly #compared: Compared
  /** Texts in primary keys of the rows that migrations made, by column. */
  readonly #there: readonly (readonly string[])[]
  /** Who emits which types, by the handler's service and the event's label. */
  readonly #emits = new Map<string, Set<string>>()
  /** What was being handled when a type was emitted, by label. */
  readonly #causes = new Map<string, Set<string>>()

  private constructor(world: World, options: SystemOptions) {
    this.world = world
    this.flow = new Flow(world)
    this.options = options
    this.#base = this.flow.mark()
    this.#compared = comparedIn(options.sourcesOf?.(world.places) ?? [])
    this.#there = world.units.flatMap(({ db }) =>
      [...db.schema.tables.values()].flatMap((table) => identitiesIn(db, table)),
    )
  }

  static async open(services: readonly AnyService[], options: SystemOptions): Promise<System> {
    const system = new System(await World.open(services, { ...options, stubs: options.outside }), options)
    await system.#survey()
    return system
  }

  get places(): readonly Place[] {
    return this.world.places
  }

  /** Everything as it was made by the migrations. */
  reset(): void {
    this.flow.back(this.#base)
    this.world.units.forEach(({ db }) => void db.mark())
  }

  events(trial: string): Events {
    const seed = `${this.options.seed} ${trial}`
    const { generators, values, recording } = this.options
    const pools = new Pools(seededRandom(seed), values, this.#there)
    return new Events(pools, generators, seed, {
      about: (type) => this.#about(type, pools),
      recorded: recording?.draw(pools.random),
      compared: this.#compared,
    })
  }

  /** One row of each table, and the values that fields of this type would have if they were about it. */
  #about({ label }: AnyEvent, pools: Pools): (path: string) => unknown {
    const rows = new Map<string, Row | undefined>()
    const rowOf = ({ service, table }: Link): Row | undefined => {
      const found = this.world.units.find((unit) => unit.service.name === service)?.db.some(table) ?? []
      return found.length > 0 ? pools.pick(found) : undefined
    }
    return (path) => {
      const links = this.#links.of(label, path)
      if (links.length === 0) return undefined
      const link = pools.pick(links)
      const name = `${link.service}.${link.table}`
      // The items of a list may be about different rows, its other fields are about one.
      if (!rows.has(name) || path.includes('[]')) rows.set(name, rowOf(link))
      return rows.get(name)?.[link.column] ?? undefined
    }
  }

  isFirst(type: AnyEvent): boolean {
    return this.first.some(({ label }) => label === type.label)
  }

  /** The services whose work can come to matter to this one: itself, and whoever's events reach it. */
  upstream(service: string): ReadonlySet<string> {
    const found = new Set([service])
    for (const name of found) {
      const wanted = new Set(this.#placesOf(name).map(({ type }) => type.label))
      for (const [emitter, labels] of this.#emits)
        if ([...labels].some((label) => wanted.has(label))) found.add(emitter)
    }
    return found
  }

  /** What a service handles. */
  typesOf(service: string): AnyEvent[] {
    return this.#placesOf(service).map(({ type }) => type)
  }

  /** Events from outside that some of these come of, themselves included. */
  rootsOf(types: readonly AnyEvent[]): readonly AnyEvent[] {
    const found = new Set(types.map(({ label }) => label))
    for (const label of found) for (const cause of this.#causes.get(label) ?? []) found.add(cause)
    return this.first.filter(({ label }) => found.has(label))
  }

  close(): void {
    this.world.close()
  }

  #placesOf(service: string): Place[] {
    return this.places.filter(({ unit }) => unit.service.name === service)
  }

  #make(events: Events, type: AnyEvent): Delivery | undefined {
    try {
      return events.make(type)
    } catch (error) {
      const problem = messageOf(error)
      this.#unmade.add(type.label)
      if (!this.problems.includes(problem)) this.problems.push(problem)
      return undefined
    }
  }

  /** Handles events of every type, in any order, to see what comes of them. */
  async #survey(): Promise<void> {
    const types = [...new Map(this.places.map(({ type }) => [type.label, type])).values()]
    for (let n = 0; n < surveys && types.length > 0; n++) {
      this.reset()
      const events = this.events(`survey ${n}`)
      for (let i = 0; i < surveyEvents; i++) {
        const made = this.#make(events, types[(n * surveyEvents + i) % types.length] as AnyEvent)
        if (made) this.flow.publish(made)
      }
      await this.#drain(events.pools)
    }
    const emitted = new Set([...this.#emits.values()].flatMap((labels) => [...labels]))
    this.first = types.filter(({ label }) => !emitted.has(label) && !this.#unmade.has(label))
    this.reset()
  }

  async #drain(pools: Pools): Promise<void> {
    for (let steps = 0; steps < surveySteps; steps++) {
      const ready = this.flow.ready()
      if (ready.length === 0) return
      const one = pools.pick(ready)
      const before = this.flow.course.emitted
      for (const { footprint } of await this.flow.deliver(one)) this.#links.learn(one.job, footprint)
      const emitter = one.job.unit.service.name
      for (const [id, { stream, record }] of this.flow.course.emitted)
        if (!before.has(id)) {
          note(this.#emits, emitter, `${stream}.${record.type}`)
          note(this.#causes, `${stream}.${record.type}`, one.job.type.label)
        }
    }
  }
}

/** Numbers are what generated numbers are anyway. */
function identitiesIn(db: Unit['db'], { name, columns, key }: Table): string[][] {
  const rows = key.length > 0 ? db.some(name) : []
  return key
    .map((at) => rows.map((row) => row[columns[at] as string]).filter((value) => typeof value === 'string'))
    .map((texts) => [...new Set(texts)])
    .filter((texts) => texts.length > 0)
}

function note(map: Map<string, Set<string>>, name: string, value: string): void {
  map.set(name, (map.get(name) ?? new Set()).add(value))
}
