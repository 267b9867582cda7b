import type { AnyEvent } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import type { Delivery } from '../../event.ts'
import { seededRandom } from '../../ids.ts'
import { explore } from './explore.ts'
import { type Footprint, meeting } from './footprint.ts'
import { look, type Opaque, textOf } from './observed.ts'
import type { Cell, WholeFinding, Wholes } from './report.ts'
import { sample } from './sampling.ts'
import type { System } from './system.ts'
import { Whole } from './whole.ts'

const sets = 16
const setSize = 3
/** Orders of one set that are run one by one, at most. */
const mostSchedules = 60
const samples = 12
/** Steps after which nothing is thought to become quiet any more. */
const mostSteps = 150

export const nothingWhole: Wholes = { sets: 0, schedules: 0, sampled: 0, findings: [] }

/** Runs all services together on sets of three events from outside, in every order that can matter up to a bound. */
export async function runWholes(system: System, hidden: Opaque): Promise<Wholes> {
  const found = new Map<string, WholeFinding>()
  const count = { sets: 0, schedules: 0, sampled: 0 }
  for (let n = 0; n < sets && system.first.length > 0; n++) {
    const set = await new OneSet(system, hidden, n).run()
    if (!set) continue
    count.sets++
    count.schedules += set.schedules
    count.sampled += set.sampled
    for (const finding of set.findings) {
      const name = `${finding.kind} ${finding.what}`
      const known = found.get(name)
      if (!known || finding.order.length < known.order.length) found.set(name, finding)
    }
  }
  return { ...count, findings: [...found.values()] }
}

/** Ends that differ are news only where no pair explains them. */
export function unexplained({ findings }: Wholes, cells: readonly Cell[]): WholeFinding[] {
  const known = cells.some(
    ({ as, level, verdict }) =>
      as === 'contract' && (level === 'commuting' || level === 'race-free') && verdict !== 'independent',
  )
  return findings.filter(({ kind }) => !known || (kind !== 'apart' && kind !== 'stuck'))
}

interface Ended {
  readonly order: readonly string[]
  readonly dead: ReadonlySet<string>
}

class OneSet {
  readonly #system: System
  readonly #hidden: Opaque
  readonly #number: number
  readonly #found: WholeFinding[] = []
  readonly #ends = new Map<string, Ended>()
  readonly #done = new Set<string>()
  readonly #first: string[] = []
  readonly #published = new Map<string, Delivery>()
  #depth = 0
  #sampling = false

  constructor(system: System, hidden: Opaque, number: number) {
    this.#system = system
    this.#hidden = hidden
    this.#number = number
  }

  async run(): Promise<Omit<Wholes, 'sets'> | undefined> {
    const { flow } = this.#system
    this.#system.reset()
    if (!this.#publish()) return undefined
    // Every fourth set with a crash somewhere.
    const whole = new Whole(flow, this.#number % 4 === 3 ? 1 : 0, mostSteps)
    const { complete, exhausted } = await explore(whole, {
      meets: (a: Footprint, b: Footprint) => meeting(a, b) !== undefined,
      orders: 'reduced',
      most: mostSchedules,
      ended: (order) => this.#ended(order),
    })
    this.#sampling = true
    const random = seededRandom(`${this.#system.options.seed} ${this.#number} sampled`)
    const sampling = {
      random,
      schedules: samples,
      depth: this.#depth,
      ended: (order: readonly string[]) => this.#ended(order),
    }
    const sampled = exhausted || this.#found.length > 0 ? 0 : await sample(whole, sampling)
    this.#compare()
    return { schedules: complete, sampled, findings: this.#found }
  }

  #publish(): boolean {
    const { flow, first } = this.#system
    const events = this.#system.events(`whole ${this.#number}`)
    for (let n = 0; n < setSize; n++) {
      const made = this.#make(events, events.pools.pick(first))
      if (!made) continue
      this.#first.push(`${made.stream}.${made.record.type} ${made.record.data}`)
      this.#published.set(made.record.id, made)
      flow.publish(made)
    }
    return this.#first.length > 0
  }

  /** What cannot be made has been reported when the system was looked at first. */
  #make(events: ReturnType<System['events']>, type: AnyEvent): Delivery | undefined {
    try {
      return events.make(type)
    } catch (error) {
      if (error instanceof SkerryError) return undefined
      throw error
    }
  }

  async #ended(steps: readonly string[]): Promise<boolean> {
    const { flow, world } = this.#system
    const order = steps.map((step) => this.#shown(step))
    this.#depth = Math.max(this.#depth, order.length)
    if (flow.course.pending.length > 0) {
      const next = flow.course.pending[0]?.job.type.label
      this.#note('endless', `nothing is quiet after ${mostSteps} steps: there is always another ${next}`, order)
      return false
    }
    const failing = await world.unsettled()
    if (failing) this.#note('eventually', `'${failing}' does not hold once all is quiet`, order)
    const settled = [...flow.course.settled]
    for (const [name, became] of settled) if (became === 'done') this.#done.add(name)
    const end = textOf(look(world, flow.course, this.#hidden))
    const dead = new Set(settled.flatMap(([name, became]) => (became === 'dead' ? [name] : [])))
    if (!this.#ends.has(end)) this.#ends.set(end, { order, dead })
    return this.#found.length === 0
  }

  #compare(): void {
    const ends = [...this.#ends.values()]
    for (const { order, dead } of ends)
      for (const name of dead)
        if (this.#done.has(name))
          this.#note('stuck', `${name.split(' ')[0]} gives up an event that it handles in another order`, order)
    if (ends.length > 1 && this.#found.length === 0)
      this.#note('apart', 'orders come to different ends, though no two events do', ends[1]?.order ?? [])
  }

  #note(kind: WholeFinding['kind'], what: string, order: readonly string[]): void {
    if (this.#found.some((one) => one.kind === kind && one.what === what)) return
    this.#found.push({ kind, what, first: this.#first, order, sampled: this.#sampling })
  }

  /** `orders/stock: retail.placed` instead of ids. */
  #shown(step: string): string {
    const [reader, , id = '', choice] = step.split(' ')
    const delivery = this.#published.get(id) ?? this.#system.flow.course.emitted.get(id)
    const label = delivery ? `${delivery.stream}.${delivery.record.type}` : id
    return `${reader}: ${label}${choice === 'crashes' ? ', lost in a crash' : ''}`
  }
}
