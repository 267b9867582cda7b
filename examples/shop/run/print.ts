import { filesOf } from '../books.ts'
import { decimal } from '../decimal.ts'
import type { Folded } from '../fold.ts'
import { type Outcome, totals } from './outcome.ts'
import { latencySummary, maxRssMb, type Vitals } from './vitals.ts'

/** How a run went, apart from what it came to. */
export interface Course {
  readonly elapsedMs: number
  /** Handled by this run; one that continues another finds some handled already. */
  readonly handled: number
  readonly vitals: readonly Vitals[]
}

/** The fields of `--json`, in this order. */
export function summary({ books, ...outcome }: Outcome, { elapsedMs, handled, vitals }: Course) {
  return {
    rows: books.rows,
    invoices: books.invoices,
    cancellations: books.cancellations,
    adjustments: books.adjustments,
    customers: books.customers,
    netValue: Number(decimal(books.netValue)),
    eventsPublished: outcome.eventsPublished,
    eventsHandled: outcome.eventsHandled,
    lost: outcome.lost,
    duplicateEffects: outcome.duplicateEffects,
    deadLetters: outcome.deadLetters,
    elapsedMs: Math.round(elapsedMs),
    eventsPerSecond: Math.round(handled / (elapsedMs / 1000)),
    publishToCommitMs: latencySummary(vitals),
    maxRssMb: maxRssMb(vitals),
    equal: outcome.equal,
  }
}

/** The outcome beside the fold's, for people. */
export function table(outcome: Outcome, expected: Folded, course: Course): string {
  const { rows, ...run } = summary(outcome, course)
  const lines = [['', 'services', 'plain fold', '']]
  for (const total of totals) {
    const [ours, theirs] = [outcome.books[total], expected.books[total]].map(write)
    lines.push([total, ours ?? '', theirs ?? '', mark(total)])
  }
  const theirs = filesOf(expected.books)
  for (const [name, text] of filesOf(outcome.books))
    lines.push([name, rowsIn(text), rowsIn(theirs.get(name) ?? ''), mark(name)])
  const { p50, p99, max } = run.publishToCommitMs
  return [
    ...lines.map(([name = '', ours = '', fold = '', equal = '']) =>
      `${name.padEnd(18)}${ours.padStart(14)}${fold.padStart(14)}  ${equal}`.trimEnd(),
    ),
    '',
    `${run.eventsPublished} events published, ${run.eventsHandled} handled, ${run.lost} effects lost, ` +
      `${run.duplicateEffects} twice, ${run.deadLetters} dead letters`,
    `${(run.elapsedMs / 1000).toFixed(1)} s, ${run.eventsPerSecond} events/s, ${run.maxRssMb} MiB; ` +
      `from a row's publishing to its booking ${p50} ms (p50), ${p99} ms (p99), ${max} ms (max)`,
    '',
  ].join('\n')

  function mark(what: string): string {
    return outcome.differences.includes(what) ? 'DIFFERS' : 'equal'
  }
}

function write(value: number | bigint): string {
  return typeof value === 'bigint' ? decimal(value) : String(value)
}

function rowsIn(text: string): string {
  return `${Math.max(0, text.split('\n').length - 2)} rows`
}
