import type { Verdict } from '../expected.ts'
import { isFinding, type Judged } from './cells.ts'
import { type Share, share } from './share.ts'

/** Of the cells of one level, both forms together. */
export interface Score {
  readonly hits: number
  readonly missed: number
  readonly alarms: number
  readonly agreed: number
  /** Cells of which the tester says nothing: not exercised, withheld, or no such level. Counted among the others as no finding. */
  readonly silent: number
}

export const nothing: Score = { hits: 0, missed: 0, alarms: 0, agreed: 0, silent: 0 }

export function counted(score: Score, expected: Verdict, said: Judged['verdict'] | undefined): Score {
  const finds = said !== undefined && isFinding({ verdict: said })
  const is = expected !== 'independent'
  return {
    hits: score.hits + Number(is && finds),
    missed: score.missed + Number(is && !finds),
    alarms: score.alarms + Number(!is && finds),
    agreed: score.agreed + Number(!is && !finds),
    silent: score.silent + Number(said === undefined || said === 'not exercised' || said === 'withheld'),
  }
}

/** The share of dependences that were found. */
export function recall({ hits, missed }: Score): Share {
  return share(hits, hits + missed)
}

/** The share of findings that are dependences. */
export function precision({ hits, alarms }: Score): Share {
  return share(hits, hits + alarms)
}
