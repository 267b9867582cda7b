import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Checks } from './checks.ts'

/** In the order in which the README defines them. */
export const levels = [
  'commuting',
  'race-free',
  'conflict-free',
  'redelivery',
  're-publication',
  'rebuild',
  'isolated-failure',
  'invariants',
] as const

export type Level = (typeof levels)[number]

/** `declared`: dependent, and `checks.ts` says that it is meant. */
export type Verdict = 'independent' | 'dependent' | 'declared'

export const forms = ['defect', 'correct'] as const
export type Form = (typeof forms)[number]

/** One line of `expected.json`: what is expected of some pairs, and why. */
export interface Entry {
  readonly service: string
  readonly pairs: readonly (readonly [a: string, b: string])[]
  readonly level: Level
  /** Which schedules count. @default 'unordered' */
  readonly as?: 'unordered' | 'contract'
  readonly defect: Verdict
  readonly correct: Verdict
  /** `possible`: only in a state or an order that the program does not produce from its first events. @default true */
  readonly reachable?: boolean
  readonly reason: string
}

export interface Expected {
  readonly title: string
  readonly source: string
  readonly defect: string
  readonly cells: readonly Entry[]
}

/** One verdict on one pair of one form. */
export interface Cell {
  readonly service: string
  readonly a: string
  readonly b: string
  readonly level: Level
  readonly as: 'unordered' | 'contract'
  readonly verdict: Verdict
  readonly reachable: boolean
  readonly reason: string
}

export interface Program {
  readonly name: string
  readonly folder: string
  readonly expected: Expected
}

const corpus = fileURLToPath(new URL('.', import.meta.url))

export function programs(): Program[] {
  return globSync('*/expected.json', { cwd: corpus })
    .sort()
    .map((file) => {
      const folder = join(corpus, dirname(file))
      return { name: basename(folder), folder, expected: JSON.parse(readFileSync(join(corpus, file), 'utf8')) }
    })
}

export function cellsOf({ expected }: Program, form: Form): Cell[] {
  return expected.cells.flatMap(({ pairs, service, level, as, reachable, reason, ...verdicts }) =>
    pairs.map(([a, b]) => ({
      ...{ service, a, b, level, reason, verdict: verdicts[form] },
      ...{ as: as ?? ('unordered' as const), reachable: reachable ?? true },
    })),
  )
}

export async function checksOf(folder: string): Promise<Checks> {
  const file = join(folder, 'checks.ts')
  return existsSync(file) ? (await import(pathToFileURL(file).href)).checks : {}
}
