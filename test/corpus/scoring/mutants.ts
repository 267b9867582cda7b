import { join } from 'node:path'
import { messageOf } from '../../../src/errors.ts'
import type { AnyService } from '../../../src/service.ts'
import { servicesOf } from '../brute/judge.ts'
import { cellsOf, programs } from '../expected.ts'
import { type Original, type Placed, root } from '../mutants/originals.ts'
import type { Operator } from '../mutants/sql.ts'
import { compare, type Told, unloadable, withMutant } from '../mutants/tell.ts'
import { isFinding, type Judged, nameOf } from './cells.ts'
import { checked } from './checker.ts'
import { testedAtRandom } from './random.ts'
import { mustHold, type Tested } from './testers.ts'

/** What a tester says of a mutant that it, and the checker, do not say of its original. */
export interface Reported {
  readonly cells: readonly Judged[]
  readonly wholes: readonly string[]
}

export interface Judgement {
  readonly id: string
  readonly operator: Operator
  readonly file: string
  readonly line: number
  readonly told: Told
  /** Undefined for what does not load, and for what brute force cannot tell from its original. */
  readonly checker: Reported | undefined
  readonly baseline: Reported | undefined
  /** Each verdict of the checker that is another one than on the original, whichever of them is the worse: `… was → is`. */
  readonly changed: readonly string[]
  /** Why the checker could not look at it. */
  readonly failed: string | undefined
}

export interface Judging {
  readonly seed: string
  /** Whether the baseline has a try, too. */
  readonly baseline: boolean
  /** Whether testers are spared the mutants that end otherwise and break nothing. @default false */
  readonly breakingOnly?: boolean
}

/** Judges a mutant by brute force, and if that can tell it from its original, by the checker and the baseline. */
export function judged(mutant: Placed, { seed, baseline, breakingOnly }: Judging): Promise<Judgement> {
  const { id, operator, file, line, original } = mutant
  const none = { id, operator, file, line, checker: undefined, baseline: undefined, changed: [], failed: undefined }
  return withMutant(mutant, async (loaded) => {
    if (typeof loaded === 'string') return { ...none, told: unloadable(loaded) }
    const told = await compare(original, loaded, true)
    if (!told.differs || (breakingOnly && told.cells.length === 0)) return { ...none, told }
    const known = await knownOf(original, { seed, baseline })
    const inNew = (tested: Tested): Reported => newIn(tested, known, mustHold(loaded, original.checks))
    try {
      const tested = await checked(loaded, original.checks)
      const changed = changedIn(tested, known)
      if (!baseline) return { ...none, told, checker: inNew(tested), changed }
      const random = await testedAtRandom(loaded, original.checks, { seed, deliveries: tested.deliveries })
      return { ...none, told, checker: inNew(tested), baseline: inNew(random), changed }
    } catch (error) {
      return { ...none, told, failed: messageOf(error) }
    }
  })
}

interface Known {
  readonly names: ReadonlySet<string>
  readonly wholes: ReadonlySet<string>
  /** What the checker says of the original, cell by cell. */
  readonly verdicts: ReadonlyMap<string, Judged['verdict']>
}

const known = new Map<string, Promise<Known>>()

/** Dependences of the original, whoever found them: neither tester is credited with one for finding it in a mutant alone. */
function knownOf(original: Original, judging: Judging): Promise<Known> {
  const found = known.get(original.name) ?? knownAnew(original, judging)
  known.set(original.name, found)
  return found
}

async function knownAnew({ name, services, checks }: Original, { seed, baseline }: Judging): Promise<Known> {
  const loaded: AnyService[] = []
  for (const file of services) loaded.push(...(await servicesOf(join(root, file))))
  const tested = [await checked(loaded, checks)]
  const [{ deliveries, cells }] = tested as [Tested]
  if (baseline) tested.push(await testedAtRandom(loaded, checks, { seed, deliveries }))
  const program = programs().find((one) => one.name === name)
  const expected = program ? cellsOf(program, 'correct') : []
  const all: readonly Judged[] = [...tested.flatMap(({ cells }) => cells), ...expected]
  return {
    names: new Set(all.filter(isFinding).map(nameOf)),
    wholes: new Set(tested.flatMap(({ wholes }) => wholes)),
    verdicts: new Map(cells.map((cell) => [directed(cell), cell.verdict])),
  }
}

function changedIn({ cells }: Tested, { verdicts }: Known): string[] {
  return cells.flatMap((cell) => {
    const [is, was] = [cell.verdict, verdicts.get(directed(cell))]
    return was === is ? [] : [`${directed(cell)}: ${was ?? 'nothing'} → ${is}`]
  })
}

function directed({ service, a, b, level, as }: Judged): string {
  return [service, level, as, a, b].join(' ')
}

function newIn({ cells, wholes }: Tested, known: Known, must: (cell: Judged) => boolean): Reported {
  return {
    cells: cells.filter((cell) => isFinding(cell) && must(cell) && !known.names.has(nameOf(cell))),
    wholes: wholes.filter((one) => !known.wholes.has(one)),
  }
}
