import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { csv, filesOf } from './books.ts'
import { decimal } from './decimal.ts'
import { type Folded, fold } from './fold.ts'
import { Retail } from './retail/contract.ts'
import { columns, kindOf, type RetailRow, readRows } from './retail/row.ts'
import { outcomeOf } from './run/outcome.ts'
import { shopOf } from './run/shop.ts'
import { services } from './services.ts'
import { openForTest } from './testing.ts'

const month = fileURLToPath(new URL('./data/online-retail-2010-12.csv.gz', import.meta.url))
const seed = 7
const shuffles = 4

/** Whole invoices and single rows of the month, the C invoices and adjustments among them, some rows twice. */
async function someRows(): Promise<RetailRow[]> {
  const all: RetailRow[] = []
  for await (const rows of readRows(month)) all.push(...rows)
  const cancelled = all.filter((row) => kindOf(row) === 'cancelled').slice(0, 60)
  const adjusted = all.filter((row) => kindOf(row) === 'adjusted').slice(0, 10)
  const sold = all.filter((row) => cancelled.some((c) => c.customer === row.customer)).slice(0, 150)
  return [...sold, ...sold.slice(0, 20), ...cancelled, ...adjusted, ...fromOtherMonths]
}

/** What December 2010 does not have, and the year after does. */
const fromOtherMonths: readonly RetailRow[] = [
  row('541431', '23166', 74_215, 1040, '2011-01-18 10:01:00', '12346'),
  row('C541433', '23166', -74_215, 1040, '2011-01-18 10:17:00', '12346'),
  row('A563186', 'B', 1, -11_062_060, '2011-08-12 14:51:00', null),
  row('550272', '15056bl', 2, 1, '2011-04-15 12:00:00', '14911'),
  row('550272', '15056BL', 2, 5950, '2011-04-16 00:00:00', '14911'),
  row('556690', '23005', -9600, 0, '2011-06-14 10:37:00', '14911'),
]

function row(
  ...[invoice, stockCode, quantity, unitPrice, at, customer]: [string, string, number, number, string, string | null]
): RetailRow {
  return { invoice, stockCode, quantity, unitPrice, at, customer, description: '', country: 'EIRE' }
}

async function foldOf(t: TestContext, rows: readonly RetailRow[]): Promise<Folded> {
  const folder = mkdtempSync(join(tmpdir(), 'shop-rows-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const fields = rows.map((row) => [
    ...[row.invoice, row.stockCode, row.description, row.quantity, row.at],
    ...[decimal(row.unitPrice), row.customer ?? '', row.country],
  ])
  writeFileSync(join(folder, 'rows.csv'), csv(columns, fields))
  return fold(join(folder, 'rows.csv'))
}

test('whatever the order in which rows arrive, the services come to what the fold does', async (t) => {
  const rows = (await someRows()).map((data, at) => ({ row: at + 1, ...data }))
  const expected = await foldOf(t, rows)
  assert.ok(expected.books.cancellations > 10 && expected.books.adjustments > 0)
  const orders = fc.sample(fc.shuffledSubarray(rows, { minLength: rows.length }), { seed, numRuns: shuffles })
  for (const order of [rows.toReversed(), ...orders]) {
    const app = await openForTest(t, Object.values(services))
    await Promise.all(order.map((data) => app.publish(Retail[kindOf(data)], data)))
    await app.settled()
    const outcome = await outcomeOf(shopOf(app), expected)
    assert.deepEqual(Object.fromEntries(filesOf(outcome.books)), Object.fromEntries(filesOf(expected.books)))
    assert.ok(outcome.equal, outcome.differences.join())
  }
})
