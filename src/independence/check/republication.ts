import type { EventRecord } from '../../event.ts'
import { derivedId } from '../../ids.ts'
import type { Flow, Pending } from './flow.ts'
import { type Job, nameOf } from './job.ts'
import { look, type Opaque, type Seen, type Told, textOf } from './observed.ts'

/**
 * The same fact once more, as an event of its own, at once and after another one: it must be handled, and nothing may come of
 * it. What this differs in, if it does; the flow is as before.
 */
export async function republished(
  flow: Flow,
  [a, b]: readonly [Pending, Pending],
  names: readonly [a: string, b: string],
  hidden: Opaque,
): Promise<readonly [Told, Told] | undefined> {
  const orders = [
    { events: [a], order: [names[0]] },
    { events: [a, b], order: [...names] },
  ]
  // What one process remembers, another one does not.
  const instances = a.job.unit.remembering ? [a.instance, 1 - a.instance] : [a.instance]
  for (const { events, order } of orders)
    for (const instance of instances) {
      const found = await again(flow, events, instance, hidden)
      if (!found) continue
      const [once, twice] = found
      const where = instance === a.instance ? '' : ', in another process'
      return [
        { order, seen: once },
        { order: [...order, `${names[0]} under another id${where}`], seen: twice },
      ]
    }
  return undefined
}

async function again(
  flow: Flow,
  events: readonly Pending[],
  instance: number,
  hidden: Opaque,
): Promise<[Seen, Seen] | undefined> {
  const mark = flow.mark()
  try {
    const [a] = events as [Pending]
    const copy = { ...copyOf(a), instance }
    flow.course = { ...flow.course, pending: events }
    await flow.deliverAll(events)
    if (flow.course.settled.get(nameOf(a.job)) !== 'done') return undefined
    const once = look(flow.world, flow.course, hidden)
    flow.course = { ...flow.course, pending: [copy] }
    await flow.deliverAll([copy])
    const became = flow.course.settled.get(nameOf(copy.job))
    const seen = look(flow.world, flow.course, hidden)
    const others = seen.settled.filter((text) => !text.startsWith(`${nameOf(copy.job)} `))
    return became === 'done' && textOf({ ...seen, settled: others }) === textOf(once) ? undefined : [once, seen]
  } finally {
    flow.back(mark)
  }
}

function copyOf(one: Pending): Pending {
  const { delivery } = one.job
  const record: EventRecord = { ...delivery.record, id: derivedId('again', delivery.record.id) }
  const job: Job = { ...one.job, delivery: { ...delivery, record } }
  return { ...one, job }
}
