import type { AnyEvent } from '../../contract.ts'
import type { Delivery } from '../../event.ts'
import type { Events } from './events.ts'
import type { Flow, Pending } from './flow.ts'
import { leavesOf } from './generate.ts'
import { nameOf, type Place, type Unit } from './job.ts'
import type { Waiting } from './levels.ts'
import type { System } from './system.ts'

/** One thing that happens on the way to a state. */
export type Action =
  /** To everybody who wants it, or to one reader alone. */
  | { readonly kind: 'publish'; readonly delivery: Delivery; readonly to: string | undefined }
  | { readonly kind: 'deliver'; readonly name: string; readonly instance: number }

/** A state, as the way that leads to it from empty stores, and two events that are about to be handled there. */
export interface Trial {
  readonly actions: readonly Action[]
  /** Names of the two, as `nameOf` gives them. */
  readonly a: string
  readonly b: string
  /** An event after them, which shows what processes remember; absent where none remembers anything. */
  readonly probe: string | undefined
  /** Which of the service's processes handle the three. */
  readonly instances: readonly [a: number, b: number, probe: number]
  /** The application comes there by itself, from what is published from outside. */
  readonly reachable: boolean
}

/** Two handlers of one service. */
export interface Pair {
  readonly a: Place
  readonly b: Place
}

const mostPrefix = 6
const mostFirsts = 8
const mostSteps = 40
const likeShare = 0.5
const probeShare = 0.7
const soundShare = 0.8

/** Makes trials, running the services on the way; the flow stands at the state then, with both events waiting. */
export class Trials {
  readonly #system: System
  readonly #flow: Flow
  readonly #pair: Pair
  readonly #relevant: ReadonlySet<string>
  readonly #prefixes: readonly AnyEvent[]
  #state: State | undefined

  constructor(system: System, pair: Pair) {
    this.#system = system
    this.#flow = system.flow
    this.#pair = pair
    const { service } = pair.a.unit
    this.#relevant = system.upstream(service.name)
    this.#prefixes = system.rootsOf(system.typesOf(service.name))
  }

  /** Both come from outside: any state that the application can reach will do, and any two events. */
  get direct(): boolean {
    return this.#system.isFirst(this.#pair.a.type) && this.#system.isFirst(this.#pair.b.type)
  }

  /**
   * `reached`: by events from outside alone. `possible`: the two events are made up, and so may be others before them.
   * `undefined` when this attempt came to nothing.
   */
  async make(events: Events, mode: 'reached' | 'possible'): Promise<Trial | undefined> {
    this.#system.reset()
    const way = new Way(this.#flow, events, this.#relevant)
    const direct = mode === 'possible' || this.direct
    const trial = direct ? await this.#prefix(way, mode) : await this.#emitted(way)
    this.#state = { way, mode, direct, stands: way.mark() }
    return direct ? this.another() : trial
  }

  /** Two other events in the same state. */
  async another(): Promise<Trial | undefined> {
    if (!this.#state) return undefined
    const { way, mode, direct, stands } = this.#state
    if (!direct) return this.#found(way)
    way.back(stands)
    this.#state = { ...this.#state, stands: way.mark() }
    return this.#direct(way, mode)
  }

  async #prefix(way: Way, mode: 'reached' | 'possible'): Promise<undefined> {
    const { a, b } = this.#pair
    const types = mode === 'reached' ? this.#prefixes : [...this.#prefixes, a.type, b.type]
    // What is broken already says nothing of the two: mostly what breaks an invariant is left out.
    const sound = this.#system.world.hasInvariants && way.chance(soundShare)
    for (let n = Math.floor(way.random() * (mostPrefix + 1)); n > 0; n--) {
      const before = sound ? way.mark() : undefined
      const type = way.pick(way.chance(0.2) ? [a.type, b.type] : types)
      const inner = !this.#system.isFirst(type)
      way.publish(type, undefined, inner ? (type === a.type ? a.reader : b.reader) : undefined)
      if (way.chance(0.85)) await way.deliverSome(() => true)
      if (before && (await this.#system.world.broken()) !== undefined) way.back(before)
    }
    way.refill()
  }

  async #direct(way: Way, mode: 'reached' | 'possible'): Promise<Trial | undefined> {
    const { a, b } = this.#pair
    const first = way.publish(a.type, undefined, a.reader)
    if (!first) return undefined
    const alike = way.chance(likeShare) ? leavesOf(JSON.parse(first.record.data)) : undefined
    // One event, two subscriptions: they must not mind who is first, either.
    const same = a.type.label === b.type.label && a.reader !== b.reader && way.chance(0.5)
    const second = same ? way.again(first, b.reader) : await way.publishAfter(first, a.reader, b, alike)
    if (!second) return undefined
    const [nameA, nameB] = [
      nameOf({ reader: a.reader, delivery: first }),
      nameOf({ reader: b.reader, delivery: second }),
    ]
    return { ...way.ended(this.#pair, [first, second]), a: nameA, b: nameB, reachable: mode === 'reached' }
  }

  /** Runs the application until both events are on their way at the same time. */
  async #emitted(way: Way): Promise<Trial | undefined> {
    const { a, b } = this.#pair
    const heldBack = (one: Pending): boolean => !is(one, a) && !is(one, b)
    const roots = this.#system.rootsOf([a.type, b.type])
    for (let n = 0; n < mostFirsts && roots.length > 0; n++) {
      const type = way.pick(way.chance(0.8) ? roots : this.#prefixes)
      const before = this.#flow.course.pending.find((one) => is(one, a) || is(one, b))
      const alike = before && way.chance(likeShare) ? leavesOf(JSON.parse(before.job.delivery.record.data)) : undefined
      way.publish(type, alike, undefined)
      // Now and then the two are let through as well: what they leave is a state to be in.
      await way.deliverSome(way.chance(0.25) ? () => true : heldBack)
      const found = this.#found(way)
      if (found && way.chance(0.6)) return found
    }
    return this.#found(way)
  }

  #found(way: Way): Trial | undefined {
    const waiting = this.#flow.course.pending.filter(({ job }) => !way.probes.has(nameOf(job)))
    const ofA = waiting.filter((one) => is(one, this.#pair.a))
    if (ofA.length === 0) return undefined
    const one = way.pick(ofA)
    const ofB = waiting.filter((other) => other !== one && is(other, this.#pair.b))
    if (ofB.length === 0) return undefined
    const other = way.pick(ofB)
    const ended = way.ended(this.#pair, [one.job.delivery, other.job.delivery])
    return { ...ended, a: nameOf(one.job), b: nameOf(other.job), reachable: true }
  }
}

function is(one: Pending, place: Place): boolean {
  return one.job.reader === place.reader && one.job.type.label === place.type.label
}

/** A state that trials begin in. */
interface State {
  readonly way: Way
  readonly mode: 'reached' | 'possible'
  /** Both events are published there; otherwise they are on their way already. */
  readonly direct: boolean
  readonly stands: Stand
}

/** A place on a way. */
interface Stand {
  readonly flow: ReturnType<Flow['mark']>
  readonly actions: number
  /** Facts told so far. */
  readonly told: ReadonlySet<string>
}

/** What happens on the way to a state, written down as it happens. */
class Way {
  readonly actions: Action[] = []
  /** Events that are there to show what is remembered, and for nothing else. */
  readonly probes = new Set<string>()
  readonly #flow: Flow
  readonly #events: Events
  readonly #relevant: ReadonlySet<string>
  /** Whether both processes have events; not decided before it matters. */
  #spread: boolean | undefined

  constructor(flow: Flow, events: Events, relevant: ReadonlySet<string>) {
    this.#flow = flow
    this.#events = events
    this.#relevant = relevant
  }

  random(): number {
    return this.#events.pools.random()
  }

  chance(share: number): boolean {
    return this.#events.pools.chance(share)
  }

  pick<T>(from: readonly T[]): T {
    return this.#events.pools.pick(from)
  }

  publish(
    type: AnyEvent,
    alike: ReturnType<typeof leavesOf> | undefined,
    to: string | undefined,
  ): Delivery | undefined {
    const delivery = this.#events.make(type, alike)
    if (delivery) this.again(delivery, to)
    return delivery
  }

  again(delivery: Delivery, to: string | undefined): Delivery {
    const action: Action = { kind: 'publish', delivery, to }
    this.actions.push(action)
    publish(this.#flow, action)
    return delivery
  }

  mark(): Stand {
    return { flow: this.#flow.mark(), actions: this.actions.length, told: this.#events.told }
  }

  /** Forgets what happened since. */
  back({ flow, actions, told }: Stand): void {
    this.#flow.back(flow)
    this.actions.length = actions
    this.#events.untell(told)
  }

  /** Handles what is on its way, in any order, as far as it is wanted and matters to the service in question. */
  async deliverSome(wanted: (one: Pending) => boolean): Promise<void> {
    for (let steps = 0; steps < mostSteps; steps++) {
      const ready = this.#flow
        .ready()
        .filter((one) => one.failures === 0 && this.#relevant.has(one.job.unit.service.name) && wanted(one))
      if (ready.length === 0) return
      const one = this.pick(ready)
      const instance = this.#instanceOf(one.job.unit)
      this.actions.push({ kind: 'deliver', name: nameOf(one.job), instance })
      await this.#flow.deliver(this.#flow.assign(one, instance))
    }
  }

  /** Which process gets it: in every second trial one alone has everything. */
  #instanceOf({ remembering }: Unit): number {
    if (!remembering) return 0
    this.#spread ??= this.chance(0.5)
    return this.#spread && this.chance(0.5) ? 1 : 0
  }

  /** The way, once two events of a pair wait at its end. */
  ended({ a: { unit } }: Pair, pair: readonly Delivery[]): Pick<Trial, 'actions' | 'probe' | 'instances'> {
    if (!unit.remembering) return { actions: [...this.actions], probe: undefined, instances: [0, 0, 0] }
    const instances = [this.#instanceOf(unit), this.#instanceOf(unit), this.#instanceOf(unit)] as const
    const { type, reader } = this.pick(this.#flow.world.places.filter((place) => place.unit === unit))
    const alike = this.chance(probeShare) ? leavesOf(JSON.parse(this.pick(pair).record.data)) : undefined
    const delivery = this.publish(type, alike, reader)
    const probe = delivery && nameOf({ reader, delivery })
    if (probe !== undefined) this.probes.add(probe)
    return { actions: [...this.actions], probe, instances }
  }

  /** Lets the events that follow be about rows that are there. */
  refill(): void {
    this.#events.pools.refill(this.#flow.course.changes.flatMap(({ write }) => write.after ?? []))
  }

  /** Puts a second event on its way, in every second case about rows that the first one would leave. */
  async publishAfter(
    first: Delivery,
    reader: string,
    { type, reader: to }: Place,
    alike: ReturnType<typeof leavesOf> | undefined,
  ): Promise<Delivery | undefined> {
    if (this.chance(0.5)) return this.publish(type, alike, to)
    const mark = this.#flow.mark()
    const one = this.#flow.course.pending.find(({ job }) => nameOf(job) === nameOf({ reader, delivery: first }))
    if (one) await this.#flow.deliver(one)
    this.refill()
    const made = this.#events.make(type, alike)
    this.#flow.back(mark)
    return made && this.again(made, to)
  }
}

function publish(flow: Flow, { delivery, to }: Extract<Action, { kind: 'publish' }>): void {
  if (to === undefined) flow.publish(delivery)
  else flow.add(flow.world.jobsFor(delivery).filter(({ reader }) => reader === to))
}

/**
 * Goes the way of a trial again, from empty stores. Resolves with the two events as they wait there, or with `undefined` when
 * the way does not lead to both any more; steps that have become impossible are left out.
 */
export async function reach(system: System, trial: Trial): Promise<Waiting | undefined> {
  system.reset()
  const { flow } = system
  for (const action of trial.actions) {
    if (action.kind === 'publish') publish(flow, action)
    else {
      const one = flow.ready().find(({ job }) => nameOf(job) === action.name)
      if (one) await flow.deliver(flow.assign(one, action.instance))
    }
  }
  return waiting(flow, trial)
}

/** The two events of a trial where they wait, and the one after them. */
export function waiting(flow: Flow, trial: Trial): Waiting | undefined {
  const find = (name: string | undefined, instance: number): Pending | undefined => {
    const one = flow.course.pending.find(({ job }) => nameOf(job) === name)
    return one && { ...one, instance }
  }
  const [ofA, ofB, ofProbe] = trial.instances
  const [a, b] = [find(trial.a, ofA), find(trial.b, ofB)]
  return a && b && trial.a !== trial.b ? { a, b, probe: find(trial.probe, ofProbe) } : undefined
}
