import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { check } from './check.ts'
import { branchesOf } from './coverage.ts'
import { book, Desk } from './fixture.ts'
import { terminalLines } from './terminal.ts'

const text = [
  'const rows = []',
  'function a() {',
  '  if (x) {',
  '    y()',
  '  }',
  '  const n = x ? 1 : 2',
  '  const all = rows.map((row) => {',
  '    return row',
  '  })',
  '}',
  'function b() {',
  '  z()',
  '}',
].join('\n')

function functionOf(name: string, isBlockCoverage: boolean, ...ranges: [text: string, count: number][]) {
  return {
    ...{ functionName: name, isBlockCoverage },
    ranges: ranges.map(([part, count]) => ({
      ...{ startOffset: text.indexOf(part), endOffset: text.indexOf(part) + part.length, count },
    })),
  }
}

const file = functionOf('', true, [text, 1])
const whole = text.slice(text.indexOf('function a'), text.indexOf('\nfunction b'))
const never = functionOf('b', false, ['function b() {\n  z()\n}', 0])

test('branches of functions that ran are counted; those that did not are named by their lines', () => {
  const functions = [file, functionOf('a', true, [whole, 3], ['{\n    y()\n  }', 0], ['? 1', 1], [': 2', 2]), never]
  assert.deepEqual(branchesOf({ functions }, text), { ran: 3, all: 4, never: [4] })
})

test('an arm on a line that ran is named, and a function that nobody called', () => {
  const inner = functionOf('', false, ['(row) => {\n    return row\n  }', 0])
  const functions = [file, functionOf('a', true, [whole, 3], ['? 1', 0]), inner, never]
  assert.deepEqual(branchesOf({ functions }, text), { ran: 1, all: 3, never: [6, 8] })
})

test('a branch that no trial came to is named with its line: nothing is said about it', async () => {
  const app = book('create table stock (item text primary key, n integer not null)')
  app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
    if (/^no such .+ [0-9]{9}$/.test(data.item)) {
      await tx.sql`delete from stock`
    }
    await tx.sql`insert into stock (item, n) values (${data.item}, 1) on conflict (item) do update set n = n + 1`
  })
  const report = await check(app).run({ seed: 1, coverage: true })
  const text = readFileSync(import.meta.filename, 'utf8').split('\n')
  const line = 1 + text.findIndex((one) => one.trim().startsWith('await tx.sql`delete'))
  const own = report.covered?.never.filter((place) => place.includes('coverage.test.ts'))
  assert.deepEqual(own, [`src/independence/check/coverage.test.ts:${line}`])
  assert.ok((report.covered?.branches ?? 1) < 1)
  const shown = terminalLines(report, { strict: false, claims: report.claims }).join('\n')
  assert.match(shown, /Branches run \d+ %; never: .*coverage\.test\.ts:\d+/)
})
