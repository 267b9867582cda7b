import type { Random } from '../../ids.ts'
import type { Model } from './explore.ts'

export interface Sampling {
  readonly random: Random
  /** Orders that are run. */
  readonly schedules: number
  /** About how many steps an order has. */
  readonly depth: number
  /** Called at the end of every order; `false` stops. */
  readonly ended: (order: readonly string[]) => Promise<boolean>
}

/** Places in an order at which whoever runs falls behind everybody else: what few changes of turn bring about is found so. */
const changes = 2
const crashShare = 0.1

/**
 * Random orders by priorities: the thread of the highest priority goes on, and falls behind all others at a few places (PCT:
 * Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010). For what has too many orders to run them all.
 */
export async function sample<Print, Mark>(model: Model<Print, Mark>, sampling: Sampling): Promise<number> {
  for (let n = 0; n < sampling.schedules; n++) {
    const mark = model.mark()
    const order = await one(model, sampling)
    const goOn = await sampling.ended(order)
    model.back(mark)
    if (!goOn) return n + 1
  }
  return sampling.schedules
}

async function one<Print, Mark>(model: Model<Print, Mark>, { random, depth }: Sampling): Promise<string[]> {
  const priorities = new Map<string, number>()
  const falls = new Set(Array.from({ length: changes }, () => 1 + Math.floor(random() * Math.max(1, depth - 1))))
  const order: string[] = []
  for (let enabled = model.enabled(); enabled.length > 0; enabled = model.enabled()) {
    for (const thread of enabled) if (!priorities.has(thread)) priorities.set(thread, random())
    const priorityOf = (thread: string): number => priorities.get(thread) as number
    const thread = enabled.reduce((best, other) => (priorityOf(other) > priorityOf(best) ? other : best))
    const [plain = '', ...others] = model.choices(thread)
    const choice = others.length > 0 && random() < crashShare ? (others[0] as string) : plain
    await model.step(thread, choice)
    order.push(choice === '' ? thread : `${thread} ${choice}`)
    if (falls.has(order.length)) priorities.set(thread, -order.length)
  }
  return order
}
