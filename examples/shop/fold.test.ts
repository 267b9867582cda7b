import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { filesOf } from './books.ts'
import { fold } from './fold.ts'
import { columns } from './retail/row.ts'

test('the fold of December 2010 is what its README says', async () => {
  const { books, facts, rejected } = await fold(
    fileURLToPath(new URL('./data/online-retail-2010-12.csv.gz', import.meta.url)),
  )
  assert.equal(books.rows, 42_481)
  assert.equal(books.invoices, 2025)
  assert.equal(books.cancellations, 326)
  assert.equal(books.adjustments, 70)
  assert.equal(books.customers, 948)
  assert.equal(books.byCustomer.size, 948)
  assert.equal(books.byStockCode.size, 2822)
  assert.equal(books.netValue, 748_957_020n)
  assert.equal(facts.ledger, 42_481)
  assert.deepEqual(rejected, [])
})

test('what the other months hold is folded exactly, and what makes no sense is rejected with its line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shop-fold-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'data.csv')
  const lines = [
    columns.join(),
    '541431,23166,"MEDIUM CERAMIC TOP, STORAGE JAR",74215,2011-01-18 10:01:00,1.04,12346.0,United Kingdom',
    'C541433,23166,"MEDIUM CERAMIC TOP, STORAGE JAR",-74215,2011-01-18 10:17:00,1.04,12346.0,United Kingdom',
    'A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom',
    '550272,15056bl,EDWARDIAN PARASOL BLACK,2,2011-04-15 12:00:00,0.001,14911.0,EIRE',
    '550272,15056BL,EDWARDIAN PARASOL BLACK,2,2011-04-15 12:00:00,5.95,14911.0,EIRE',
    '550272,15056BL,EDWARDIAN PARASOL BLACK,2,2011-04-15 12:01:00,5.95,14911.0,EIRE',
    '556690,23005,printing smudges/thrown away,-9600,2011-06-14 10:37:00,0.0,,United Kingdom',
    '556690,23005,"never closed,-9600,2011-06-14 10:37:00,0.0,,United Kingdom',
    '1,2,3',
    '1,S,,one,2011-06-14 10:37:00,0.0,,',
    '1,S,,1,2011-02-29 10:37:00,0.0,,',
    '1,S,,1,2011-06-14 10:37:00,0.0005,,',
    '1,S,,9007199254740991,2011-06-14 10:37:00,0.002,,',
    ',S,,1,2011-06-14 10:37:00,1,,',
    '1,,,1,2011-06-14 10:37:00,1,,',
  ]
  writeFileSync(path, `${lines.join('\r\n')}\r\n`)
  const { books, facts, rejected } = await fold(path)
  assert.deepEqual(
    [...filesOf(books).values()],
    [
      'Day,Orders,Cancellations,Lines,NetValue\n' +
        '2011-01-18,1,1,2,0\n2011-04-15,1,0,3,23.802\n2011-06-14,1,0,1,0\n2011-08-12,1,0,1,-11062.06\n',
      'StockCode,NetQuantity\n15056BL,4\n15056bl,2\n23005,-9600\n23166,0\nB,1\n',
      'CustomerID,NetValue\n12346,0\n14911,23.802\n',
    ],
  )
  assert.deepEqual(facts, { users: 5, carts: 5, orders: 6, inventory: 7, ledger: 7 })
  assert.deepEqual(rejected, [
    { line: 9, reason: 'quote never closed' },
    { line: 10, reason: '3 fields instead of 8' },
    { line: 11, reason: "Quantity 'one' is not a whole number" },
    { line: 12, reason: "InvoiceDate '2011-02-29 10:37:00' is not a time like 2010-12-01 08:26:00" },
    { line: 13, reason: "UnitPrice '0.0005' is not a number with at most three decimals" },
    { line: 14, reason: 'Quantity × UnitPrice is too large to be exact' },
    { line: 15, reason: 'InvoiceNo is empty' },
    { line: 16, reason: 'StockCode is empty' },
  ])
})

test('a file with another header is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shop-fold-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const text of ['', 'a,b\n1,2\n']) {
    writeFileSync(join(folder, 'other.csv'), text)
    await assert.rejects(fold(join(folder, 'other.csv')), /its first line is not InvoiceNo,StockCode/)
  }
})
