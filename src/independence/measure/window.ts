import { type Conflicts, type Kind, type LoadCounts, noConflicts, type PairCounts, type Relation } from './counts.ts'
import { loadClass } from './load.ts'
import { type Touch, Touches } from './touches.ts'

/** An event that was tried for the first time in a window, and what became of it. */
export interface Tried {
  readonly kind: Kind
  readonly key: string
  /** Events of one cause share it. */
  readonly correlation: string
  readonly failed: boolean
  /** Of a failed event nothing was kept: it touched no row. */
  readonly touches: readonly Touch[]
}

interface Counting {
  readonly a: Kind
  readonly b: Kind
  readonly 'same-key': LoadCounts[]
  readonly 'same-moment': LoadCounts[]
  readonly conflicts: Conflicts
}

/** Most kinds of one window that are compared: their pairs grow with the square. */
const mostKinds = 64

/**
 * Counts of one second, window by window. A window gives each pair of kinds at most one unit of each relation, so that a
 * busy window counts no more than a quiet one, and that more events make no failure more likely to be seen.
 */
export class Counts {
  readonly #pairs = new Map<string, Counting>()

  get pairs(): PairCounts[] {
    return [...this.#pairs.values()]
  }

  addWindow(events: readonly Tried[]): void {
    const byKind = Map.groupBy(events, (event) => event.kind)
    const kinds = [...byKind.keys()].slice(0, mostKinds)
    const load = loadClass(events.length)
    for (const [i, a] of kinds.entries()) {
      for (const b of kinds.slice(i)) {
        const unit = besideOneAnother(byKind.get(a) ?? [], byKind.get(b) ?? [])
        if (unit) this.#addUnit('same-moment', load, unit)
      }
    }
    const known = new Set(kinds)
    for (const unit of relatedUnits(events.filter((event) => known.has(event.kind))))
      this.#addUnit('same-key', load, unit)
    this.#addConflicts(events, byKind, kinds)
  }

  addRerun(again: Kind, beside: Kind): void {
    this.#pair(again, beside).conflicts.reruns++
  }

  #pair(one: Kind, other: Kind): Counting {
    const [a, b] = one <= other ? [one, other] : [other, one]
    const id = `${a}\n${b}`
    const known = this.#pairs.get(id)
    if (known) return known
    const made = { a, b, 'same-key': [], 'same-moment': [], conflicts: noConflicts() }
    this.#pairs.set(id, made)
    return made
  }

  #addUnit(relation: Relation, load: number, [one, other]: Unit): void {
    const pair = this.#pair(one.kind, other.kind)
    const [a, b] = one.kind === pair.a ? [one.failed, other.failed] : [other.failed, one.failed]
    const counts = pair[relation]
    let at = counts.findIndex((known) => known[0] === load)
    if (at < 0) at = counts.push([load, 0, 0, 0, 0]) - 1
    const [, both, onlyA, onlyB, neither] = counts[at] as LoadCounts
    counts[at] = [
      load,
      both + Number(a && b),
      onlyA + Number(a && !b),
      onlyB + Number(b && !a),
      neither + Number(!a && !b),
    ]
  }

  #addConflicts(events: readonly Tried[], byKind: ReadonlyMap<Kind, readonly Tried[]>, kinds: readonly Kind[]): void {
    const handled = (kind: Kind): number => (byKind.get(kind) ?? []).filter(({ failed }) => !failed).length
    const able = kinds.filter((kind) => handled(kind) > 0)
    for (const [i, a] of able.entries())
      for (const b of able.slice(i)) if (a !== b || handled(a) > 1) this.#pair(a, b).conflicts.windows++
    const touches = new Touches()
    for (const [index, { kind, touches: touched }] of events.entries())
      for (const touch of touched) touches.add(index, able.indexOf(kind), touch)
    const met = new Map<Conflicts, { certain: boolean; tables: Set<string> }>()
    touches.meetings(({ a, b, table, certain }) => {
      if (a < 0 || b < 0) return
      const { conflicts } = this.#pair(able[a] as Kind, able[b] as Kind)
      const known = met.get(conflicts) ?? { certain: false, tables: new Set() }
      known.certain ||= certain
      met.set(conflicts, { ...known, tables: known.tables.add(table) })
    })
    for (const [conflicts, { certain, tables }] of met) {
      if (certain) conflicts.rows++
      else conflicts.possible++
      conflicts.tables = [...new Set([...conflicts.tables, ...tables])]
    }
  }
}

type Unit = readonly [Tried, Tried]

const related = (one: Tried, other: Tried): boolean =>
  one.correlation === other.correlation || (one.key !== '' && one.key === other.key)

/** The first of each kind that are not about the same thing; which they are says nothing about what became of them. */
function besideOneAnother(as: readonly Tried[], bs: readonly Tried[]): Unit | undefined {
  const [a] = as
  // Were all of b looked through, a window full of one key would cost the square of its events.
  const b = bs.slice(0, 8).find((other) => other !== a && a && !related(a, other))
  return a && b ? [a, b] : undefined
}

/** One unit for each pair of kinds that have events about the same thing: the first such two. */
function relatedUnits(events: readonly Tried[]): Unit[] {
  const units = new Map<string, Unit>()
  const groups = new Map<string, Tried[]>()
  for (const event of events) {
    for (const group of event.key === '' ? [event.correlation] : [event.correlation, `key ${event.key}`]) {
      const known = groups.get(group)
      if (!known) {
        groups.set(group, [event])
        continue
      }
      for (const other of known) {
        const id = event.kind < other.kind ? `${event.kind}\n${other.kind}` : `${other.kind}\n${event.kind}`
        if (!units.has(id)) units.set(id, [other, event])
      }
      // The first of each kind, and a second one for the pair with itself, is all that can matter.
      if (known.filter(({ kind }) => kind === event.kind).length < 2) known.push(event)
    }
  }
  return [...units.values()]
}
