import type { Judgement, Reported } from './mutants.ts'
import { type Share, share } from './share.ts'

/** How many mutants there were, and how many of them can count. */
export interface Mutants {
  readonly all: number
  /** Which cannot even be loaded: nobody needs a test for them. */
  readonly unloadable: number
  /** Brute force sees nothing in which they differ. */
  readonly alike: number
  /** Some run ends otherwise than the original's. */
  readonly told: number
  /** Of those, something that must hold and does hold in the original does not in the mutant. */
  readonly breaking: number
}

/** What one tester reported. */
export interface Killed {
  /** Of the mutants that break something that must hold. */
  readonly ofBreaking: Share
  /** Of all that can be told from their originals, those included which break nothing that held. */
  readonly ofTold: Share
  /** Of those that break something, those of which a report makes the check fail: in an order that the contract allows. */
  readonly failing: Share
  readonly byOperator: Readonly<Record<string, Share>>
}

type Tester = (judgement: Judgement) => Reported | undefined

export function mutantsIn(judgements: readonly Judgement[]): Mutants {
  const unloadable = judgements.filter(({ told }) => told.broken !== undefined).length
  const told = judgements.filter(isTold).length
  return {
    ...{ all: judgements.length, unloadable, told, alike: judgements.length - unloadable - told },
    breaking: judgements.filter(isBreaking).length,
  }
}

export function killedBy(tester: Tester, judgements: readonly Judgement[]): Killed {
  const [told, breaking] = [judgements.filter(isTold), judgements.filter(isBreaking)]
  const of = (among: readonly Judgement[]): Share =>
    share(among.filter((one) => isReported(tester(one))).length, among.length)
  const operators = [...new Set(breaking.map(({ operator }) => operator))].sort()
  return {
    ofBreaking: of(breaking),
    ofTold: of(told),
    failing: share(breaking.filter((one) => isFailing(tester(one))).length, breaking.length),
    byOperator: Object.fromEntries(
      operators.map((operator) => [operator, of(breaking.filter((one) => one.operator === operator))]),
    ),
  }
}

/** Of all that can be told from their originals, those of which the checker says anything else than of the original. */
export function otherwise(judgements: readonly Judgement[]): Share {
  const told = judgements.filter(isTold)
  return share(told.filter(({ checker, changed }) => isReported(checker) || changed.length > 0).length, told.length)
}

export function isTold({ told }: Judgement): boolean {
  return told.differs && told.broken === undefined
}

export function isBreaking(judgement: Judgement): boolean {
  return isTold(judgement) && judgement.told.cells.length > 0
}

export function isReported(reported: Reported | undefined): boolean {
  return reported !== undefined && (reported.cells.length > 0 || reported.wholes.length > 0)
}

function isFailing(reported: Reported | undefined): boolean {
  return reported !== undefined && (reported.wholes.length > 0 || reported.cells.some(({ as }) => as === 'contract'))
}
