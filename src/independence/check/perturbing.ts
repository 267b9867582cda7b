import type { Accesses } from '../../store/sqlite/observed/access.ts'
import type { Flow, Pending } from './flow.ts'
import { commonRow, type Footprint, meeting } from './footprint.ts'
import type { Place } from './job.ts'
import { look, type Opaque, textOf } from './observed.ts'
import type { System } from './system.ts'
import { Trials, waiting } from './trial.ts'

/** States in which each handler is looked at. */
const states = 4
/** Rows of each table that are tried. */
const mostRows = 3

/**
 * Two beliefs put to the test, by changing what a handler is thought not to mind and running it again: that opaque columns
 * decide about nothing else, and that it looked at no more than its footprint says. What does not hold, as sentences.
 */
export async function perturb(
  system: System,
  hidden: Opaque,
  only: ReadonlySet<Place> = new Set(system.places),
): Promise<string[]> {
  const found = new Set<string>()
  for (const [ordinal, place] of system.places.entries())
    for (let n = 0; n < states && only.has(place); n++) {
      const events = system.events(`perturbed ${ordinal} ${n}`)
      const trial = await new Trials(system, { a: place, b: place }).make(events, 'possible').catch(() => undefined)
      const one = trial && waiting(system.flow, trial)?.a
      if (one) for (const problem of await aboutOne(system.flow, one, place, hidden)) found.add(problem)
    }
  return [...found]
}

async function aboutOne(flow: Flow, one: Pending, place: Place, hidden: Opaque): Promise<string[]> {
  flow.begin()
  const { db, service } = place.unit
  const course = { ...flow.course, pending: [one] }
  const asItWas = await handled(flow, one, course, hidden, () => {})
  const found: string[] = []
  for (const { table, column, row } of valuesOf(place)) {
    const isOpaque = hidden(service.name, table, column)
    let isTelling = false
    const other = await handled(flow, one, course, hidden, () => {
      const accesses = db.watch()
      const changed = db.vary(table, column, row)
      isTelling = changed && (isOpaque || !asItWas.prints.some((seen) => meets(seen, place, accesses)))
    })
    if (!isTelling || other.text === asItWas.text) continue
    found.push(
      isOpaque
        ? `${table}.${column} is declared opaque, and decides what ${place.reader} does with ${place.type.label}`
        : `${place.reader} on ${place.type.label} looks at ${table}.${column} in a way that was not noticed: nothing that is said about it is to be trusted`,
    )
  }
  return found
}

/** Values of the first rows of each table, without those that say which row it is. */
function* valuesOf({
  unit,
}: Place): Generator<{ readonly table: string; readonly column: string; readonly row: number }> {
  for (const { name: table, columns, key } of unit.db.schema.tables.values())
    for (const [at, column] of columns.entries())
      if (!key.includes(at)) for (let row = 0; row < mostRows; row++) yield { table, column, row }
}

function meets(seen: Footprint, { unit: { service, db } }: Place, accesses: Accesses): boolean {
  const nothing = new Set<string>()
  const names = { sees: nothing, changes: nothing, fresh: nothing }
  const change = { service: service.name, schema: db.schema, accesses, ...names }
  return Boolean(meeting(seen, change) ?? commonRow(seen, change))
}

interface Handled {
  readonly text: string
  readonly prints: readonly Footprint[]
}

/** What an event comes to after some change; then it has not happened. */
async function handled(
  flow: Flow,
  one: Pending,
  course: Flow['course'],
  hidden: Opaque,
  change: () => void,
): Promise<Handled> {
  const mark = flow.mark()
  try {
    change()
    flow.course = course
    const [steps = []] = await flow.deliverAll([one])
    return { text: textOf(look(flow.world, flow.course, hidden)), prints: steps.map((step) => step.footprint) }
  } finally {
    flow.back(mark)
  }
}
