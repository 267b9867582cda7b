import { z } from 'zod'
import { contract, event } from '../../contract.ts'
import { service } from '../../service.ts'
import type { Migration } from '../../store/store.ts'
import { type CheckOptions, check } from './check.ts'
import type { Level } from './levels.ts'
import type { Cell, Report } from './report.ts'

/** Events of a small shop, published from outside. */
export const Desk = contract('desk', {
  events: {
    opened: event({ data: z.object({ order: z.string() }), key: (d) => d.order }),
    closed: event({ data: z.object({ order: z.string() }), key: (d) => d.order }),
    counted: event({ data: z.object({ item: z.string(), n: z.int() }), key: (d) => d.item }),
    priced: event({ data: z.object({ item: z.string(), price: z.int() }), key: (d) => d.item }),
  },
})

export const Book = contract('book', {
  events: { said: event({ data: z.object({ order: z.string(), what: z.string() }), key: (d) => d.order }) },
})

export function migration(sql: string): readonly Migration[] {
  return [{ number: 1, name: 'tables', additive: true, sql }]
}

/** A service of its own for each test. */
export function book(sql: string, projection = false) {
  return service(Book, { migrations: migration(sql), projection })
}

export async function reportOn(app: ReturnType<typeof book>, options: CheckOptions = {}, seed = 1): Promise<Report> {
  return check(app, options).run({ seed, name: 'test' })
}

/** The cell of a level; of the types in either order. */
export function cellOf(
  report: Report,
  a: string,
  b: string,
  level: Level = 'commuting',
  as: Cell['as'] = 'contract',
): Cell {
  const found = report.cells.find(
    (cell) =>
      cell.level === level && cell.as === as && ((cell.a === a && cell.b === b) || (cell.a === b && cell.b === a)),
  )
  if (!found) throw new Error(`no cell for ${a} × ${b}, ${level}, ${as}: ${JSON.stringify(report, undefined, 1)}`)
  return found
}
