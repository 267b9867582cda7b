import type { AnyEvent } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import { type Delivery, defaultMaxEventBytes } from '../../event.ts'
import { compose } from '../../flow/compose.ts'
import { derivedId, seededRandom } from '../../ids.ts'
import { type App, servicesOf } from './check.ts'
import { explore } from './explore.ts'
import { Flow } from './flow.ts'
import { type Footprint, meeting } from './footprint.ts'
import { look, opaque, type Seen, textOf, unknownColumns } from './observed.ts'
import type { OutsideStubs } from './outside.ts'
import { sample } from './sampling.ts'
import { Whole } from './whole.ts'
import { World } from './world.ts'

export interface SimulateOptions {
  /** What is published from outside, in this order; handled in every order that subscriptions allow. */
  readonly first: readonly (readonly [type: AnyEvent, data: unknown])[]
  /** Crashes between the two steps of a handler, at any place; 0 or more. @default 0 */
  readonly crashes?: number
  /** Columns that nobody minds. */
  readonly opaque?: readonly string[]
  readonly outside?: OutsideStubs
  /** Orders that are run one by one, at most. @default 10 000 */
  readonly most?: number
  /** Random orders that are run where there are more than that, 0 or more. @default 100 */
  readonly sample?: number
  /** Of the random ones. @default 7 */
  readonly seed?: number
}

export interface Ending {
  readonly seen: Seen
  /** The first order that came to it: `subscription stream id`, step by step. */
  readonly order: readonly string[]
}

export interface Simulated {
  /** All different endings, the first one found first. One alone: order does not matter here. */
  readonly endings: readonly Ending[]
  /** Orders that were run to their end. */
  readonly complete: number
  /** False when there are more orders than were run. */
  readonly exhausted: boolean
  /** Random orders that were run beyond; endings that only they came to are among the others. */
  readonly sampled: number
}

/** Runs all services together on some events, in every order that can matter, what they emit included. */
export async function simulate(app: App, options: SimulateOptions): Promise<Simulated> {
  const world = await World.open(servicesOf(app), options.outside ? { stubs: options.outside } : {})
  try {
    const flow = new Flow(world)
    for (const [at, [type, data]] of options.first.entries()) flow.publish(deliveryOf(type, data, at))
    const hidden = opaque(options.opaque ?? [])
    const [unknown] = unknownColumns(options.opaque ?? [], world)
    if (unknown !== undefined) throw new SkerryError('not_found', unknown)
    const found = new Map<string, Ending>()
    let depth = 0
    const ended = async (order: readonly string[]): Promise<boolean> => {
      depth = Math.max(depth, order.length)
      const seen = look(world, flow.course, hidden)
      const text = textOf(seen)
      if (!found.has(text)) found.set(text, { seen, order })
      return true
    }
    const whole = new Whole(flow, options.crashes ?? 0)
    const meets = (a: Footprint, b: Footprint): boolean => meeting(a, b) !== undefined
    const most = options.most ?? 10_000
    const { complete, exhausted } = await explore(whole, { meets, orders: 'reduced', most, ended })
    const random = seededRandom(`simulate ${options.seed ?? 7}`)
    const schedules = exhausted ? 0 : (options.sample ?? 100)
    const sampled = await sample(whole, { random, schedules, depth, ended })
    return { endings: [...found.values()], complete, exhausted, sampled }
  } finally {
    world.close()
  }
}

function deliveryOf(type: AnyEvent, data: unknown, at: number): Delivery {
  const id = derivedId('simulate', String(at))
  const now = Date.UTC(2026, 0, 1, 12) + at * 1000
  return {
    stream: type.service,
    position: at,
    record: compose(type, data, undefined, { id, now, maxBytes: defaultMaxEventBytes }),
  }
}
