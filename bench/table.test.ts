import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summarize } from './report.ts'
import { renderMarkdown, renderText, tableOf, verdictLine } from './table.ts'
import type { Outcome, Scenario } from './types.ts'

const scenario: Scenario = {
  name: 'x',
  title: 'x',
  shows: 'rate',
  reference: 'limit',
  core: true,
  rounds: 1,
  perSecond: 0,
  timeoutS: 1,
  contenders: [
    { name: 'limit', program: 'x.ts', durability: 'FULL', events: 1_000 },
    { name: 'skerry', program: 'x.ts', durability: 'FULL', events: 1_000 },
  ],
  targets: [{ kind: 'ratio', contender: 'skerry', metric: 'rate', reference: 'limit', atLeast: 0.5 }],
}

const run = (contender: string, elapsedMs: number) => {
  const outcome: Outcome = { name: contender, events: 100_000, elapsedMs, lost: 0, duplicates: 0, maxRssMb: 90 }
  return { contender, condition: 'clean' as const, round: 0, outcome }
}

const report = summarize(scenario, [run('limit', 1_000), run('skerry', 1_600)], [])

test('a table has a row for each contender, with its rate, its ratio and its losses', () => {
  assert.equal(
    renderText(tableOf(report)),
    [
      'contender  class  events/s          from – to  ÷ limit  lost  twice  RSS MB  runs',
      '─────────  ─────  ────────  ─────────────────  ───────  ────  ─────  ──────  ────',
      'limit      FULL    100,000  100,000 – 100,000        1     0      0      90     1',
      'skerry     FULL     62,500    62,500 – 62,500    0.625     0      0      90     1',
    ].join('\n'),
  )
})

test('the same table as Markdown', () => {
  assert.match(renderMarkdown(tableOf(report)), /^\| contender \| class \| events\/s .*\n\| --- \| --- \| --: /)
})

test('a verdict names what was compared, the value and the bound', () => {
  const [verdict] = report.verdicts
  assert.ok(verdict)
  assert.equal(verdictLine(verdict), 'met     skerry ÷ limit (events/s): 0.625, at least 0.5')
  assert.match(verdictLine({ ...verdict, value: 0.4, met: false }), /^MISSED/)
  assert.match(verdictLine({ ...verdict, value: undefined, met: undefined }), /^open .* not measured/)
})
