import type { Level } from '../expected.ts'

/** What a tester says of one pair, at one level; `a` and `b` are labels of event types. */
export interface Judged {
  readonly service: string
  readonly a: string
  readonly b: string
  readonly level: Level
  readonly as: 'unordered' | 'contract'
  readonly verdict: 'independent' | 'dependent' | 'declared' | 'not exercised' | 'withheld'
}

type Asked = Omit<Judged, 'verdict'>

export function isFinding({ verdict }: Pick<Judged, 'verdict'>): boolean {
  return verdict === 'dependent' || verdict === 'declared'
}

/**
 * What was said of a cell. Some levels have a cell for each direction of a pair, others one for both; some are asked in any
 * order only, and are what they are under a contract, too.
 */
export function verdictOn({ service, a, b, level, as }: Asked, said: readonly Judged[]): Judged['verdict'] | undefined {
  const plain = said.filter((one) => one.service === service && one.level === level)
  const matching = plain.filter((one) => one.as === as)
  const among = matching.length > 0 ? matching : plain
  const exact = among.find((one) => one.a === a && one.b === b)
  return (exact ?? among.find((one) => one.a === b && one.b === a))?.verdict
}

/** One name for a cell and for the same with its pair turned. */
export function nameOf({ service, a, b, level, as }: Asked): string {
  return [service, level, as, ...[a, b].sort()].join(' ')
}
