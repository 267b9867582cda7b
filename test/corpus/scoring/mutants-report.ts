import { isBreaking, isReported, isTold, type Killed, killedBy, type Mutants, mutantsIn, otherwise } from './killed.ts'
import type { Judgement } from './mutants.ts'
import { percent, type Share } from './share.ts'
import { inColumns } from './table.ts'

export interface Summary {
  readonly mutants: Mutants
  readonly checker: Killed
  readonly baseline: Killed | undefined
  /** Of all that can be told: of which the checker's verdicts are not those on the original, for better or worse. */
  readonly otherwise: Share
  readonly missed: readonly Missed[]
}

/** A mutant that brute force tells from its original, and of which the checker says nothing new. */
export interface Missed {
  readonly id: string
  readonly operator: string
  readonly at: string
  /** What brute force found to be broken first; `undefined` if it ends otherwise and breaks nothing that held. */
  readonly breaks: string | undefined
  readonly failed: string | undefined
}

export function summaryOf(judgements: readonly Judgement[], baseline: boolean): Summary {
  return {
    mutants: mutantsIn(judgements),
    checker: killedBy(({ checker }) => checker, judgements),
    baseline: baseline ? killedBy((one) => one.baseline, judgements) : undefined,
    otherwise: otherwise(judgements),
    missed: judgements.filter((one) => isTold(one) && !isReported(one.checker)).map(missedOf),
  }
}

function missedOf(judgement: Judgement): Missed {
  const { id, operator, file, line, told, failed } = judgement
  const [cell] = isBreaking(judgement) ? told.cells : []
  const breaks = cell && `${cell.level} ${cell.a} × ${cell.b}`
  return { id, operator, at: `${file}:${line}`, breaks, failed }
}

export function mutantsText({ mutants, checker, baseline, otherwise, missed }: Summary, misses: boolean): string {
  const { all, unloadable, alike, told, breaking } = mutants
  const testers = baseline ? [checker, baseline] : [checker]
  const row = (name: string, of: (killed: Killed) => Share | undefined): string[] => [
    ...[name, String(of(checker)?.of ?? 0)],
    ...testers.flatMap((killed) => {
      const one = of(killed)
      return one ? [String(one.hits), percent(one)] : ['', '']
    }),
  ]
  const table = inColumns([
    ['reported of', 'mutants', ...(baseline ? ['checker', '', 'baseline', ''] : ['checker', ''])],
    row('what counts: a level that held breaks', ({ ofBreaking }) => ofBreaking),
    ...Object.keys(checker.byOperator).map((operator) =>
      row(`  ${operator}`, ({ byOperator }) => byOperator[operator]),
    ),
    row('  so that a check fails', ({ failing }) => failing),
    row('all that end otherwise in some run', ({ ofTold }) => ofTold),
    [
      '  of which any verdict is another',
      String(otherwise.of),
      String(otherwise.hits),
      percent(otherwise),
      ...(baseline ? ['', ''] : []),
    ],
  ])
  const counts = `${all} mutants: ${unloadable} do not load, ${alike} cannot be told from their originals, ${told} can; ${breaking} of these break a level that held\n`
  return counts + table + (misses ? missed.map(lineOf).join('') : '')
}

function lineOf({ id, operator, at, breaks, failed }: Missed): string {
  return `missed ${id}  ${operator}  ${at}: ${failed ?? breaks ?? 'ends otherwise, and breaks nothing that held'}\n`
}
