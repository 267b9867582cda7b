import type { AnyService } from '../../../src/service.ts'
import type { Checks } from '../checks.ts'
import type { Level } from '../expected.ts'
import type { Judged } from './cells.ts'

/** What a tester made of some services. */
export interface Tested {
  readonly cells: readonly Judged[]
  /** What went wrong with everything together, in words. */
  readonly wholes: readonly string[]
  /** Handlers begun. */
  readonly deliveries: number
}

/** Levels that must hold for these services: what Skerry gives, what is asked of rows, and what is claimed beyond. */
export function mustHold(services: readonly AnyService[], checks: Checks): (cell: Omit<Judged, 'verdict'>) => boolean {
  const always: ReadonlySet<Level> = new Set([
    ...(['commuting', 'race-free', 'isolated-failure', 'redelivery', 'invariants'] as const),
  ])
  const projections = new Set(services.filter(({ options }) => options.projection).map(({ name }) => name))
  return ({ service, level, a }) =>
    always.has(level) ||
    (level === 'rebuild' && projections.has(service)) ||
    (level === 're-publication' && (checks.claims?.republication?.[service] ?? []).includes(a))
}
