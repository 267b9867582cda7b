/** Reports as text for a terminal, and as Markdown for the record. Pure. */
import { isPoint } from './curves.ts'
import type { Row, ScenarioReport, Verdict } from './report.ts'
import type { Spread } from './statistics.ts'
import type { Bound, Metric, Target } from './types.ts'

export interface Table {
  readonly head: readonly string[]
  readonly body: readonly (readonly string[])[]
}

type Column = readonly [title: string, cell: (row: Row) => string]

const NOTHING = '–'
const METRICS: Readonly<Record<Metric, string>> = { rate: 'events/s', p50Us: 'p50', p99Us: 'p99' }

export function tableOf({ scenario, rows }: ScenarioReport): Table {
  const figureNames = [...new Set(rows.flatMap((row) => Object.keys(row.figures ?? {})))].filter(
    (name) => !isPoint(name),
  )
  const figures = figureNames.map((name): Column => [name, (row) => medianOf(row.figures?.[name], figure)])
  const comparison: Column[] =
    scenario.reference === undefined ? [] : [[`÷ ${scenario.reference}`, (row) => times(row.toReference)]]
  const measures: Readonly<Record<typeof scenario.shows, Column[]>> = {
    rate: [
      ['events/s', (row) => count(row.rate.median)],
      ['from – to', (row) => range(row.rate, count)],
      ...comparison,
    ],
    latency: [
      ['p50', (row) => medianOf(row.p50Us, micros)],
      ['from – to', (row) => range(row.p50Us, micros)],
      ['p99', (row) => medianOf(row.p99Us, micros)],
      ['from – to', (row) => range(row.p99Us, micros)],
      ...comparison.map(([title, cell]): Column => [`p50 ${title}`, cell]),
      ...figures,
    ],
    pairs: [
      ['p99 clean', (row) => medianOf(row.pairs?.cleanUs, micros)],
      ['p99 sick', (row) => medianOf(row.pairs?.sickUs, micros)],
      ['sick ÷ clean', (row) => medianOf(row.pairs?.sickToClean, times)],
      ['from – to', (row) => range(row.pairs?.sickToClean, times)],
      ['clean ÷ clean', (row) => medianOf(row.pairs?.againToClean, times)],
    ],
    figures,
    blocks: [
      ['calls/s', (row) => count(row.rate.median)],
      ['from – to', (row) => range(row.rate, count)],
      ...comparison,
      ['CPU a call', (row) => medianOf(row.figures?.cpuUs, micros)],
      ['caller’s', (row) => medianOf(row.figures?.callerUs, micros)],
      ['busier core', (row) => medianOf(row.figures?.busierUs, micros)],
      ['lost', (row) => count(row.lost)],
      ['blocks', (row) => count(row.runs)],
    ],
  }
  const others: Column[] = [
    ['class', (row) => row.durability],
    ...measures[scenario.shows],
    ['lost', (row) => count(row.lost)],
    ['twice', (row) => count(row.duplicates)],
    ['RSS MB', (row) => count(row.maxRssMb)],
    ['runs', (row) => count(row.runs)],
  ]
  const columns: Column[] = [
    ['contender', (row) => row.contender],
    ...(scenario.shows === 'blocks' ? measures.blocks : others),
  ]
  return { head: columns.map(([title]) => title), body: rows.map((row) => columns.map(([, cell]) => cell(row))) }
}

export function renderText(table: Table): string {
  const rows = [table.head, ...table.body]
  const widths = table.head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    row
      // Names read from the left, numbers line up on the right.
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return [line(table.head), rule, ...table.body.map(line)].join('\n')
}

export function renderMarkdown(table: Table): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  const rule = table.head.map((_, column) => (column < 2 ? '---' : '--:'))
  return [line(table.head), line(rule), ...table.body.map(line)].join('\n')
}

/** One line a target: "met     skerry ÷ limit (events/s): 0.62, at least 0.5". */
export function verdictLine({ target, value, met }: Verdict): string {
  const verdict = met === undefined ? 'open' : met ? 'met' : 'MISSED'
  const measured = value === undefined ? 'not measured' : figure(value)
  return `${verdict.padEnd(6)}  ${subject(target)}: ${measured}, ${bound(target)}`
}

export function headline({ scenario }: ScenarioReport): string {
  return `${scenario.name}: ${scenario.title}`
}

function subject(target: Target): string {
  if (target.kind === 'figure') return `${target.contender}, ${target.figure}`
  if (target.kind === 'paired') return `${target.contender}, sick ÷ clean (${METRICS[target.metric]})`
  if (target.kind === 'blocks') {
    const what = target.metric === 'rate' ? 'calls/s' : 'CPU a call'
    return `${target.contender} ÷ ${target.reference} (${what}, in pairs)`
  }
  return `${target.contender} ÷ ${target.reference} (${METRICS[target.metric]})`
}

function bound(bound: Bound): string {
  if ('atLeast' in bound) return `at least ${figure(bound.atLeast)}`
  return 'atMost' in bound ? `at most ${figure(bound.atMost)}` : `below ${figure(bound.below)}`
}

function medianOf(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? NOTHING : format(spread.median)
}

function range(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? NOTHING : `${format(spread.min)} – ${format(spread.max)}`
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-GB')
}

function times(value: number | undefined): string {
  return value === undefined ? NOTHING : figure(value)
}

/** Three figures are what such a measurement can tell. */
function figure(value: number): string {
  return value >= 100 ? count(value) : String(Number(value.toPrecision(3)))
}

function micros(us: number): string {
  return us < 1_000 ? `${figure(us)} µs` : us < 1_000_000 ? `${figure(us / 1_000)} ms` : `${figure(us / 1_000_000)} s`
}
