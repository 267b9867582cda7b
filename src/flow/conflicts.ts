/**
 * What follows from conflicts between transactions of several processes, as pure decisions: how many events the next
 * transaction takes, and the figures about which types were run again beside which others.
 */

/** How many events the next batch may have. Infinity as long as nothing was in the way. */
export type Pace = number

/** A batch that met a conflict runs again by half; at one event it runs alone. */
export function afterConflict(size: number): Pace {
  return Math.max(1, Math.floor(size / 2))
}

/** Back to larger batches step by step, so that a contended table does not make every other batch fail. */
export function afterCommit(pace: Pace, most: number): Pace {
  const next = pace + Math.max(1, Math.floor(pace / 4))
  return next >= most ? Number.POSITIVE_INFINITY : next
}

/** How often events of a type were run again, and beside which types: candidates, since the engine does not name the partner. */
export interface ConflictFigure {
  readonly subscription: string
  readonly type: string
  readonly reruns: number
  readonly candidates: Readonly<Record<string, number>>
}

/** Where an event is handled, as figures name it. */
export interface Handled {
  readonly subscription: string
  readonly type: string
}

/** Most kinds of events that figures are kept for; the rest would be noise. */
const mostFigures = 200

const keyOf = ({ subscription, type }: Handled): string => `${subscription} ${type}`

/** Counts a batch that is run again: each type of it once, against the types that were in flight. */
export function withConflict(
  figures: readonly ConflictFigure[],
  again: readonly Handled[],
  inFlight: readonly Handled[],
): ConflictFigure[] {
  const candidates = new Set(inFlight.map(keyOf))
  const found = new Map(figures.map((figure) => [keyOf(figure), figure]))
  for (const [key, { subscription, type }] of new Map(again.map((one) => [keyOf(one), one]))) {
    const before = found.get(key)
    if (!before && found.size >= mostFigures) continue
    const counts: Record<string, number> = { ...before?.candidates }
    for (const candidate of candidates) counts[candidate] = (counts[candidate] ?? 0) + 1
    found.set(key, { subscription, type, reruns: (before?.reruns ?? 0) + 1, candidates: counts })
  }
  return [...found.values()]
}

/** The figures of several processes as one. */
export function mergedConflicts(all: readonly (readonly ConflictFigure[])[]): ConflictFigure[] {
  const merged = new Map<string, ConflictFigure>()
  for (const figure of all.flat()) {
    const before = merged.get(keyOf(figure))
    const candidates: Record<string, number> = { ...before?.candidates }
    for (const [name, times] of Object.entries(figure.candidates)) candidates[name] = (candidates[name] ?? 0) + times
    merged.set(keyOf(figure), { ...figure, reruns: (before?.reruns ?? 0) + figure.reruns, candidates })
  }
  return [...merged.values()].sort((a, b) => b.reruns - a.reruns)
}
