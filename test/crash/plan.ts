import { type Random, seededRandom } from '../../src/ids.ts'
import type { CrashPoint } from '../../src/telemetry.ts'

/** How the next process dies. */
export interface Death {
  /** Index of the victim among the running processes, or whichever writes the bus. */
  readonly victim: number | 'writer'
  readonly when: When
}

export type When =
  /** So many commits later, of its stores and its bus, and then some microseconds: anywhere in its code. */
  | { readonly kind: 'commits'; readonly count: number; readonly delayMs: number }
  /** At a named point, when it has passed it so many times. */
  | { readonly kind: 'point'; readonly point: CrashPoint; readonly passages: number }

const points: readonly CrashPoint[] = [
  'bus.before-commit',
  'bus.after-commit',
  'store.before-commit',
  'store.after-commit',
  'relay.after-append',
  'processor.journaled',
]

/** The same deaths for the same seed. */
export function* deaths(seed: string, processes: number): Generator<Death, never> {
  const random = seededRandom(`crash ${seed}`)
  for (;;)
    yield {
      victim: random() < 0.25 ? 'writer' : below(random, processes),
      when: random() < 0.5 ? commits(random) : atPoint(random),
    }
}

function commits(random: Random): When {
  return { kind: 'commits', count: below(random, 2001), delayMs: random() < 0.5 ? 0 : random() * 3 }
}

function atPoint(random: Random): When {
  const point = points[below(random, points.length)] as CrashPoint
  return { kind: 'point', point, passages: 1 + below(random, point === 'processor.journaled' ? 100 : 50) }
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit)
