import type { ReadTx, StoreTx } from '../../store/store.ts'
import type { SecondCounts } from './counts.ts'
import { fold, merge, type PairSums } from './fold.ts'
import { pairsOfSecond, secondText, sumsFromText, sumsText } from './text.ts'

/**
 * What was counted, in the service's own store. Each instance writes a row for each second that it sampled; once an hour is
 * over, one of them folds its rows into sums by day and pair, and removes them. Sums are kept for `keptDays`.
 */

/** How long sums are kept, in days: what a service did before that says little about its present code. */
export const keptDays = 14

const hourS = 3600
const dayS = 24 * hourS
/** A row may come so late: instances write once a second, and their clocks differ a little. */
const lateS = 60

export async function putSeconds(tx: StoreTx, member: string, seconds: readonly SecondCounts[]): Promise<void> {
  for (const { second, pairs } of seconds)
    await tx.run(
      `insert into skerry_measured (second, member, body) values (?, ?, ?)
       on conflict (second, member) do nothing`,
      second,
      member,
      secondText(pairs),
    )
}

/**
 * Folds the oldest hour that is over, if there is one; resolves with whether there was. `wall` is in milliseconds. One hour at
 * a time: what is in memory stays bounded, however long nobody folded.
 */
export async function foldOldestHour(tx: StoreTx, wall: number): Promise<boolean> {
  const [oldest] = await tx.all<{ second: number }>('select second from skerry_measured order by second limit 1')
  if (!oldest) return false
  const from = hourOf(Number(oldest.second))
  if (from + hourS + lateS > wall / 1000) return false
  const day = Math.floor(from / dayS)
  const rows = await rowsBetween(tx, from, from + hourS)
  const known = await tx.all<SumsRow>('select a, b, body from skerry_independence where day = ?', day)
  for (const sums of merge([...known.map(sumsOf), ...foldRows(rows)]))
    await tx.run(
      `insert into skerry_independence (day, a, b, body) values (?, ?, ?, ?)
       on conflict (day, a, b) do update set body = excluded.body`,
      ...[day, sums.a, sums.b, sumsText(sums)],
    )
  await tx.run('delete from skerry_measured where second >= ? and second < ?', from, from + hourS)
  await tx.run('delete from skerry_independence where day <= ?', Math.floor(wall / 1000 / dayS) - keptDays)
  return true
}

/** All there is, with what is not folded yet. */
export async function readSums(tx: ReadTx): Promise<PairSums[]> {
  const folded = await tx.all<SumsRow>('select a, b, body from skerry_independence')
  const rows = await rowsBetween(tx, 0, Number.MAX_SAFE_INTEGER)
  return merge([...folded.map(sumsOf), ...foldRows(rows)])
}

interface SumsRow {
  readonly a: string
  readonly b: string
  readonly body: string
}

interface SecondRow {
  readonly second: number
  readonly member: string
  readonly body: string
}

const hourOf = (second: number): number => second - (second % hourS)

const sumsOf = ({ a, b, body }: SumsRow): PairSums => sumsFromText(a, b, body)

const rowsBetween = (tx: ReadTx, from: number, to: number): Promise<SecondRow[]> =>
  tx.all<SecondRow>(
    'select second, member, body from skerry_measured where second >= ? and second < ? order by second',
    from,
    to,
  )

/** Strata are each instance's own: what strikes one need not strike another. */
function foldRows(rows: readonly SecondRow[]): PairSums[] {
  return [...Map.groupBy(rows, ({ member }) => member).values()].flatMap((ofMember) =>
    fold(ofMember.map(({ second, body }) => ({ second: Number(second), pairs: pairsOfSecond(body) }))),
  )
}
