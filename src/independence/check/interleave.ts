import type { Flow, Pending } from './flow.ts'
import { nameOf } from './job.ts'

/** Places within one step at which others come in. */
const mostPlaces = 8
/** More steps than two events with their retries take. */
const mostSteps = 12

/**
 * Goes through every order of the steps of what is pending until `visit` has found something at the end of one. Within a step
 * others come in at each of its places: any of their steps in a `prepare`, and their `prepare` alone in a `handle` of a service
 * that remembers something, since one `handle` at a time holds the store. The flow is as before then.
 */
export async function interleave<T>(
  flow: Flow,
  name: (one: Pending) => string,
  visit: (order: readonly string[]) => Promise<T | undefined>,
): Promise<T | undefined> {
  const asked = new Set(flow.course.pending.map(({ job }) => nameOf(job)))
  /** What comes of them is on its way then, as at the end of the two orders that they are compared with. */
  const waiting = (): Pending[] => flow.course.pending.filter(({ job }) => asked.has(nameOf(job)))
  return go([])

  async function go(order: readonly string[]): Promise<T | undefined> {
    const pending = waiting()
    if (pending.length === 0 || order.length >= mostSteps) return pending.length === 0 ? visit(order) : undefined
    for (const one of pending) {
      let places = 0
      const step = async (): Promise<void> => {
        places = (await flow.step(one, { between: async () => {} })).places
      }
      const found = (await trying(`${name(one)} ${one.stage}s`, step, order)) ?? (await amid(one, places, order))
      if (found) return found
    }
    return undefined
  }

  /** Others that come in between two things that one step does: what it read at first is old when it goes on. */
  async function amid(one: Pending, places: number, order: readonly string[]): Promise<T | undefined> {
    const { remembering } = one.job.unit
    if (one.stage === 'handle' && !remembering) return undefined
    // Before the first thing that it does a step can have looked at nothing but memory.
    for (let at = remembering ? 0 : 1; at < Math.min(places, mostPlaces); at++)
      for (const other of waiting()) {
        if (other === one || (one.stage === 'handle' && other.stage === 'handle')) continue
        const where = remembering ? `at place ${at + 1} of ${places}` : `after ${at} of its ${places} operations`
        const what = `${name(one)} ${one.stage}s; ${where} ${name(other)} ${one.stage === 'handle' ? 'prepares' : 'is handled'}`
        const between = async (place: number): Promise<void> => {
          if (place !== at) return
          await (one.stage === 'handle' ? flow.step(other) : flow.deliver(other))
        }
        const found = await trying(what, () => flow.step(one, { between }), order)
        if (found) return found
      }
    return undefined
  }

  async function trying(what: string, step: () => Promise<unknown>, order: readonly string[]): Promise<T | undefined> {
    const mark = flow.mark()
    try {
      await step()
      return await go([...order, what])
    } finally {
      flow.back(mark)
    }
  }
}
