import { SkerryError } from '../../errors.ts'
import { type Delivery, defaultMaxEventBytes } from '../../event.ts'
import { Attempting } from '../../flow/context.ts'
import type { PrepareContext, ReceivedEvent } from '../../flow/handler.ts'
import { receive } from '../../flow/received.ts'
import { seededRandom } from '../../ids.ts'
import type { AnyService } from '../../service.ts'
import { ObservedDatabase } from '../../store/sqlite/observed/database.ts'
import type { Rows } from '../../store/store.ts'
import { Answering, type Asked } from './answering.ts'
import { type Called, Doing, type How, type Step } from './doing.ts'
import type { Footprint } from './footprint.ts'
import { handlingContext } from './handling.ts'
import { failing, type Invariants } from './invariants.ts'
import { type Job, type Place, placesOf, type Unit } from './job.ts'
import { nothingOutside, type Outside, type OutsideStubs } from './outside.ts'
import { preparing, type Surroundings } from './preparing.ts'
import { type Kept, Remembering, type Used } from './remembering.ts'
import { siteOf, userSite } from './sites.ts'
import { type Spoken, Statements } from './statements.ts'
import { Troubles } from './troubles.ts'
import { type Settled, Turns } from './turns.ts'
import type { Open, Running, WorldOptions } from './world-options.ts'

/** A moment that the world can go back to. */
export interface Moment {
  readonly depths: readonly number[]
  readonly outside: Outside
  readonly steps: number
  /** By service; empty where none has any. */
  readonly memory: readonly (Kept | undefined)[]
}

/** Steps are this far apart, in milliseconds of the time that statements may ask for. */
const stepMs = 1000
/** Later than any event that is made up: handling comes after publishing. */
const handlingStarts = Date.UTC(2026, 0, 2)

/**
 * All services with their stores in memory, in which any handler can be run on any event, as one step, and undone again.
 * Everything that a step depends on is in here: the stores, what was done outside, and the number of steps so far.
 */
export class World {
  readonly units: readonly Unit[]
  /** All handlers but those that are not to be run. */
  readonly places: readonly Place[]
  readonly troubles = new Troubles()
  /** Collects statements while it is set. */
  spoken: Spoken[] | undefined
  /** Collects, while it is set, which statements ran and whether they found or changed anything: what was gone through. */
  gone: string[] | undefined
  /** Told of each step after it has ended. */
  stepped: (job: Job) => void = () => {}
  readonly statements = new Statements()
  outside: Outside = nothingOutside
  deliveries = 0
  #steps = 0
  readonly #byType: ReadonlyMap<string, readonly Place[]>
  readonly #onStep: (job: Job) => void
  readonly #locate: (fn: Running) => string
  readonly #invariants: Invariants
  readonly #eventually: Invariants
  readonly #stubs: OutsideStubs
  readonly #turns = new Turns()
  readonly #remembers: boolean
  /** Work of a `handle` that is cut, by service: what others read meanwhile is not to show it. */
  readonly #open = new Map<Unit, Open>()

  private constructor(units: readonly Unit[], options: WorldOptions, ticking: { steps: () => number }) {
    this.units = units
    this.places = units
      .flatMap(placesOf)
      .filter(({ reader, type }) => !options.withhold?.has(`${reader} ${type.label}`))
    this.#byType = Map.groupBy(this.places, ({ type }) => type.label)
    this.#remembers = units.some(({ remembering }) => remembering)
    this.#stubs = options.stubs ?? {}
    this.#invariants = options.invariants ?? {}
    this.#eventually = options.eventually ?? {}
    this.#onStep = options.onStep ?? (() => {})
    this.#locate = options.locate ?? (() => '')
    ticking.steps = () => this.#steps
  }

  /** Throws `migration_refused` or `invalid_config` naming the service whose store cannot be made. */
  static async open(services: readonly AnyService[], options: WorldOptions = {}): Promise<World> {
    const ticking = { steps: () => 0 }
    const ambient = {
      wall: () => handlingStarts + ticking.steps() * stepMs,
      random: () => seededRandom(`statement ${ticking.steps()}`)(),
      asked: () => {},
    }
    const units: Unit[] = []
    for (const service of services) {
      const { migrations } = service.options
      const db = await ObservedDatabase.open({ name: service.name, migrations, ambient })
      const remembering = service.memories.declared ? new Remembering(service.memories) : undefined
      if (remembering && service.options.projection) db.keepBeginning()
      units.push({ service, db, remembering })
    }
    return new World(units, options, ticking)
  }

  /** One job for each subscription that names the event's type. */
  jobsFor(delivery: Delivery): Job[] {
    const places = this.#byType.get(`${delivery.stream}.${delivery.record.type}`) ?? []
    return places.map((place) => ({ ...place, delivery }))
  }

  mark(): Moment {
    const memory = this.#remembers ? this.units.map(({ remembering }) => remembering?.kept) : nothingRemembered
    return { depths: this.units.map(({ db }) => db.mark()), outside: this.outside, steps: this.#steps, memory }
  }

  back({ depths, outside, steps, memory }: Moment): void {
    for (const [at, { db, remembering }] of this.units.entries()) {
      db.back(depths[at] as number)
      if (remembering) remembering.kept = memory[at] as Kept
    }
    this.outside = outside
    this.#steps = steps
  }

  /** Runs `prepare`. Each thing that it does sees what is committed then. */
  async prepare(job: Job, how: How = {}): Promise<Step> {
    const footprint = this.#begin(job)
    const { handler } = job
    const doing = this.#doing(job, footprint, how)
    const called: Called[] = []
    if (!handler.prepare) return { footprint, emitted: [], operations: 0, places: 0, outcome: 'done' }
    const waited = await this.#run(job, handler.written?.prepare ?? handler.prepare, how, footprint, async () => {
      const prepared = await handler.prepare?.(
        this.#preparing(job, footprint, doing, called),
        receive(job.type, job.delivery, 1),
      )
      doing.end()
      return structuredClone(prepared)
    })
    const { operations, places } = doing
    const step = { footprint, emitted: [], operations, places, called }
    if (waited.kind === 'error') return { ...step, outcome: 'failed', error: waited.error }
    return { ...step, outcome: 'done', prepared: waited.value }
  }

  /** Runs `handle` as one transaction: whole, or not at all. */
  async handle(job: Job, prepared: unknown, how: How = {}): Promise<Step> {
    const { unit } = job
    const footprint = this.#begin(job)
    const before = unit.db.mark()
    const open: Open = { before, done: [] }
    if (how.between) this.#open.set(unit, open)
    const doing = this.#doing(job, footprint, how)
    const query = async (template: TemplateStringsArray, values: readonly unknown[]): Promise<Rows> => {
      const aside = doing.next()
      if (aside) await aside
      const rows = this.#query(job, template, values, 'write')
      if (how.between) open.done.push([template, values])
      return rows
    }
    const begin = (): Attempting =>
      new Attempting({ dialect: 'sqlite', query }, job.delivery, job.reader, defaultMaxEventBytes)
    let attempting = begin()
    const { handler } = job
    const event = (): ReceivedEvent => receive(job.type, job.delivery, 1)
    const waited = await this.#run(job, (handler.written ?? handler).handle, how, footprint, async () => {
      try {
        await handler.handle(handlingContext(attempting, footprint.fresh, doing), event(), structuredClone(prepared))
      } catch (error) {
        const instead = handler.instead?.(attempting.doom ?? error)
        if (!instead) throw error
        attempting.end('its handler ended')
        attempting = begin()
        this.#undo(unit, before, footprint)
        open.done.length = 0
        await instead(handlingContext(attempting, footprint.fresh, doing), event())
      }
      doing.end()
    })
    attempting.end('its handler ended')
    this.#open.delete(unit)
    const { operations, places } = doing
    const error = waited.kind === 'error' ? waited.error : attempting.doom
    if (waited.kind === 'value' && error === undefined) {
      this.troubles.ended(job)
      unit.db.keep(before)
      return { footprint, emitted: attempting.emitted, operations, places, outcome: 'done' }
    }
    unit.db.back(before)
    return { footprint, emitted: [], operations, places, outcome: 'failed', error }
  }

  /** What was written is as if it had never been; what was looked at decided about it. */
  #undo({ db }: Unit, before: number, { accesses }: Footprint): void {
    db.back(before)
    db.mark()
    accesses.writes.length = 0
  }

  /** A process of the service ends: what it remembers is gone. */
  crash({ remembering }: Unit, instance: number): void {
    remembering?.crash(instance)
  }

  get hasInvariants(): boolean {
    return Object.keys(this.#invariants).length > 0
  }

  /** The name of an invariant that does not hold now, if there is one. */
  broken(): Promise<string | undefined> {
    return failing('invariant', this.units, this.#invariants)
  }

  /** The name of what does not hold although all is quiet, if there is something. */
  unsettled(): Promise<string | undefined> {
    return failing('eventually', this.units, this.#eventually)
  }

  close(): void {
    for (const { db } of this.units) db.close()
  }

  #begin(job: Job): Mutable {
    this.#onStep(job)
    this.deliveries++
    this.#steps++
    const { db, service } = job.unit
    return {
      service: service.name,
      schema: db.schema,
      accesses: db.watch(),
      sees: new Set(),
      changes: new Set(),
      fresh: new Set([job.delivery.record.id]),
      called: [],
    }
  }

  /** What a step does, with other steps in the middle of it, after which it goes on as if it alone were watched. */
  #doing(job: Job, { accesses }: Footprint, how: How): Doing {
    const { between } = how
    if (!between) return new Doing(how)
    const aside = async (place: number): Promise<void> => {
      await between(place)
      this.troubles.resume(job)
      job.unit.db.watch(accesses)
    }
    return new Doing({ ...how, between: aside })
  }

  async #run<T>(job: Job, running: Running, how: How, footprint: Mutable, work: () => Promise<T>): Promise<Settled<T>> {
    if (this.troubles.isStuck(job)) return neverEnded(job)
    const waited = await this.troubles.during(job, () =>
      this.#remembered(job, how, footprint, () => this.#turns.settle(work)),
    )
    if (waited.kind === 'hangs') {
      this.troubles.note(job, {
        kind: 'hangs',
        what: 'never ended: it waits for something that does not come',
        site: this.#locate(running),
      })
      return neverEnded(job)
    }
    if (waited.turned)
      this.troubles.note(job, {
        kind: 'outside',
        what: 'waited for something outside of the store',
        site: this.#locate(running),
      })
    if (waited.kind === 'error')
      this.troubles.threw(job, waited.error, () => userSite((waited.error as Error).stack) || this.#locate(running))
    this.stepped(job)
    return waited
  }

  async #remembered<T>(job: Job, { instance = 0 }: How, footprint: Mutable, work: () => Promise<T>): Promise<T> {
    const { remembering } = job.unit
    if (!remembering) return work()
    const [result, used] = await remembering.during(instance, work)
    this.#noteUse(job, instance, footprint, used)
    return result
  }

  #noteUse(job: Job, instance: number, footprint: Mutable, { uses, changed, problem }: Used): void {
    const name = `memory ${job.unit.service.name} ${instance}`
    if (uses > 0) footprint.sees.add(name)
    if (changed) footprint.changes.add(name)
    if (problem !== undefined)
      this.troubles.note(job, {
        kind: 'memory',
        what: `keeps in its memory what cannot be had back later (${problem}); keep plain data there`,
        site: '',
      })
  }

  #query(job: Job, template: TemplateStringsArray, values: readonly unknown[], mode: 'read' | 'write'): Rows {
    const site = siteOf(template)
    const rows = job.unit.db.query(template, values, site, mode)
    this.statements.note(job, template, site)
    this.gone?.push(`${site} ${Math.min(rows.length, 2)} ${Math.min(rows.changes, 2)}`)
    this.spoken?.push({ job, site, text: template.join('?'), rows: [...rows], changes: rows.changes })
    return rows
  }

  /** What is committed: work of a `handle` that has not ended is taken back for the moment. */
  #readCommitted(job: Job, template: TemplateStringsArray, values: readonly unknown[]): Rows {
    const { db } = job.unit
    const open = this.#open.get(job.unit)
    if (!open) return this.#query(job, template, values, 'read')
    db.back(open.before)
    try {
      return this.#query(job, template, values, 'read')
    } finally {
      db.mark()
      for (const [again, bound] of open.done) db.query(again, bound, siteOf(again), 'write')
    }
  }

  #preparing(job: Job, footprint: Mutable, doing: Doing, called: Called[]): PrepareContext {
    const self = this
    const around = {
      get outside() {
        return self.outside
      },
      set outside(outside) {
        self.outside = outside
      },
      ...{ units: this.units, stubs: this.#stubs, troubles: this.troubles },
      read: (...statement: Parameters<Surroundings['read']>) => this.#readCommitted(...statement),
      prepare: (callee: Job) => this.#aside(job, footprint, () => this.prepare(callee)),
      handle: (callee: Job, prepared: unknown) =>
        this.#aside(job, footprint, () => {
          // One transaction at a time holds a store: it would wait.
          if (this.#open.has(callee.unit)) throw new SkerryError('unavailable', `${callee.reader}: its store is held`)
          return this.handle(callee, prepared)
        }),
      looking: (callee: Job, work: Parameters<Asked['looking']>[1]) =>
        this.#aside(job, footprint, () => this.#looking(callee, work)),
    }
    const { sees, changes, called: footprints } = footprint
    return preparing(around, job, footprint, doing, new Answering(around, job, { called, footprints, sees, changes }))
  }

  /** What is not the step's own, in the middle of it: then it goes on as if it alone were watched. */
  async #aside<T>(job: Job, { accesses }: Footprint, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      this.#onStep(job)
      this.troubles.resume(job)
      job.unit.db.watch(accesses)
    }
  }

  async #looking(job: Job, work: Parameters<Asked['looking']>[1]): Promise<[unknown, Footprint]> {
    const { db, service } = job.unit
    const nothing = { sees: new Set<string>(), changes: new Set<string>(), fresh: new Set<string>() }
    const footprint = { service: service.name, schema: db.schema, accesses: db.watch(), ...nothing }
    const output = await work((template, values) => this.#readCommitted(job, template, values))
    return [output, footprint]
  }
}

function neverEnded(job: Job): Settled<never> {
  return { kind: 'error', error: new SkerryError('deadline_exceeded', `${job.reader} never ended`) }
}

interface Mutable extends Footprint {
  readonly called: Footprint[]
  readonly sees: Set<string>
  readonly changes: Set<string>
  readonly fresh: Set<string>
}

const nothingRemembered: Moment['memory'] = []
