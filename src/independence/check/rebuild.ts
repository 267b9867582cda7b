import type { Flow, Pending } from './flow.ts'
import type { Unit } from './job.ts'
import { type Opaque, rowText, type Seen, type Told, textOf } from './observed.ts'

/**
 * Whether a projection made anew from the log has the rows of the one that ran. A rebuild handles everything once, in the
 * log's order, in a process that remembers nothing; what ran may have handled the two the other way round, and remembered.
 */
export async function rebuiltApart(
  flow: Flow,
  [a, b]: readonly [Pending, Pending],
  [ab, ba]: readonly [Told, Told],
  hidden: Opaque,
): Promise<readonly [Told, Told] | undefined> {
  const { unit } = a.job
  if (!unit.remembering) return rowsOf(ab) === rowsOf(ba) ? undefined : [ab, ba]
  const seen = await rowsAfter(flow, unit, hidden, async () => {
    unit.db.restart()
    for (const instance of [0, 1]) flow.world.crash(unit, instance)
    const log = flow.course.handled.filter((job) => job.unit === unit)
    flow.course = { ...flow.course, settled: new Map(), pending: [] }
    flow.add([...log, a.job, b.job])
    await flow.deliverAll(flow.course.pending)
  })
  const rebuilt = { order: ['rebuilt from the log'], seen }
  for (const [told, events] of [
    [ab, [a, b]],
    [ba, [b, a]],
  ] as const) {
    const live = await rowsAfter(flow, unit, hidden, async () => void (await flow.deliverAll(events)))
    if (rowsOf({ seen: live }) !== rowsOf(rebuilt)) return [rebuilt, { ...told, seen: live }]
  }
  return undefined
}

/** All rows of the service after that; then it has not happened. */
async function rowsAfter(flow: Flow, { service, db }: Unit, hidden: Opaque, work: () => Promise<void>): Promise<Seen> {
  const mark = flow.mark()
  try {
    await work()
    const rows = new Map<string, ReadonlyMap<string, number>>()
    for (const [table, found] of db.dump()) {
      const counts = new Map<string, number>()
      for (const row of found) {
        const text = rowText(Object.entries(row), (column) => hidden(service.name, table, column))
        counts.set(text, (counts.get(text) ?? 0) + 1)
      }
      rows.set(`${service.name}.${table}`, counts)
    }
    return { rows, emitted: [], outside: [], settled: [] }
  } finally {
    flow.back(mark)
  }
}

function rowsOf({ seen }: Pick<Told, 'seen'>): string {
  return textOf({ rows: seen.rows, emitted: [], outside: [], settled: [] })
}
