import { join } from 'node:path'
import { messageOf } from '../../../src/errors.ts'
import { servicesOf } from '../brute/judge.ts'
import { type Cell, cellsOf, checksOf, type Form, forms, type Level, levels, type Program } from '../expected.ts'
import { isFinding, type Judged, verdictOn } from './cells.ts'
import { checked } from './checker.ts'
import { counted, nothing, precision, recall, type Score } from './levels.ts'
import { testedAtRandom } from './random.ts'
import { percent, type Share } from './share.ts'
import { inColumns } from './table.ts'

export type Tester = 'checker' | 'baseline'

/** A dependence that was not found, or a finding that is none. */
export interface Missed {
  readonly tester: Tester
  readonly program: string
  readonly form: Form
  readonly cell: Cell
  readonly said: Judged['verdict'] | undefined
}

interface Row extends Score {
  readonly level: Level
  readonly recall: Share
  readonly precision: Share
}

/** What testers say of programs, beside what is expected of them. */
export class ProgramScores {
  readonly #options: { readonly seed: string; readonly baseline: boolean; readonly bare: boolean }
  readonly #onMiss: (missed: Missed) => void
  readonly #scores = new Map<Tester, Map<Level, Score>>()

  constructor(
    options: { readonly seed: string; readonly baseline: boolean; readonly bare: boolean },
    onMiss: (missed: Missed) => void,
  ) {
    this.#options = options
    this.#onMiss = onMiss
  }

  async add(program: Program, onError: (text: string) => void): Promise<void> {
    const { seed, baseline, bare } = this.#options
    const checks = await checksOf(program.folder)
    for (const form of forms) {
      const services = await servicesOf(join(program.folder, form, 'service.ts'))
      const tested = await checked(services, checks, bare).catch((error: unknown) => {
        onError(`${program.name}, ${form}: ${messageOf(error)}`)
        return { cells: [], deliveries: 0 }
      })
      this.#count('checker', program, form, tested.cells)
      if (!baseline) continue
      const random = await testedAtRandom(services, checks, { seed, deliveries: tested.deliveries })
      this.#count('baseline', program, form, random.cells)
    }
  }

  #count(tester: Tester, program: Program, form: Form, cells: readonly Judged[]): void {
    const scores = this.#scores.get(tester) ?? new Map<Level, Score>()
    this.#scores.set(tester, scores)
    for (const cell of cellsOf(program, form)) {
      const said = verdictOn(cell, cells)
      scores.set(cell.level, counted(scores.get(cell.level) ?? nothing, cell.verdict, said))
      if (isFinding(cell) !== (said !== undefined && isFinding({ verdict: said })))
        this.#onMiss({ tester, program: program.name, form, cell, said })
    }
  }

  /** By tester, a row for each level. */
  result(): Readonly<Partial<Record<Tester, readonly Row[]>>> {
    return Object.fromEntries(
      [...this.#scores].map(([tester, scores]) => [
        tester,
        levels.map((level) => {
          const score = scores.get(level) ?? nothing
          return { level, ...score, recall: recall(score), precision: precision(score) }
        }),
      ]),
    )
  }

  tables(): [string, string][] {
    return Object.entries(this.result()).map(([tester, rows]) => [
      tester,
      inColumns([
        ['level', 'hits', 'missed', 'alarms', 'agreed', 'silent', 'recall', 'precision'],
        ...rows.map(({ level, hits, missed, alarms, agreed, silent, recall, precision }) => [
          ...[level, ...[hits, missed, alarms, agreed, silent].map(String), percent(recall), percent(precision)],
        ]),
      ]),
    ])
  }
}
