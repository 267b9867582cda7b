import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { check } from './check.ts'
import { linesOf } from './coverage.ts'
import { book, Desk } from './fixture.ts'
import { terminalLines } from './terminal.ts'

test('lines of functions that ran are counted, by the innermost range that they begin in', () => {
  const text = ['function a() {', '  if (x) {', '    y()', '  }', '}', 'function b() {', '  z()', '}'].join('\n')
  const range = (from: string, to: string, count: number) => ({
    startOffset: text.indexOf(from),
    endOffset: text.indexOf(to) + to.length,
    count,
  })
  const functions = [
    { functionName: '', isBlockCoverage: true, ranges: [{ startOffset: 0, endOffset: text.length, count: 1 }] },
    { functionName: 'a', isBlockCoverage: true, ranges: [range('if (x)', '}\n}', 3), range('y()', '\n  }', 0)] },
    { functionName: 'b', isBlockCoverage: true, ranges: [range('z()', 'z()', 0)] },
  ]
  assert.deepEqual(linesOf({ functions }, text), { ran: 1, never: [3] })
})

test('a branch that no trial came to is named with its line: nothing is said about it', async () => {
  const app = book('create table stock (item text primary key, n integer not null)')
  app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
    if (data.n > 1_000_000) {
      await tx.sql`delete from stock`
    }
    await tx.sql`insert into stock (item, n) values (${data.item}, 1) on conflict (item) do update set n = n + 1`
  })
  const report = await check(app).run({ seed: 1, coverage: true })
  const text = readFileSync(import.meta.filename, 'utf8').split('\n')
  const line = 1 + text.findIndex((one) => one.trim().startsWith('await tx.sql`delete'))
  const own = report.covered?.never.filter((place) => place.includes('coverage.test.ts'))
  assert.deepEqual(own, [`src/independence/check/coverage.test.ts:${line}`])
  assert.ok((report.covered?.lines ?? 1) < 1)
  const shown = terminalLines(report, { strict: false, claims: report.claims }).join('\n')
  assert.match(shown, /Lines run \d+ %; never: .*coverage\.test\.ts:\d+/)
})
