import assert from 'node:assert/strict'
import { test } from 'node:test'
import { book, cellOf, Desk, reportOn } from './fixture.ts'
import { terminalLines } from './terminal.ts'

type Tx = { readonly sql: (template: TemplateStringsArray, ...values: unknown[]) => Promise<unknown> }

const queries = {
  price: (tx: Tx, item: string, price: number) =>
    tx.sql`insert into price (item, price) values (${item}, ${price}) on conflict (item) do nothing`,
  forget: (tx: Tx, item: string) => tx.sql`delete from count where item = ${item}`,
}

/** Two handlers that share no table, unless a price is very high. */
function prices(isHigh: (price: number) => boolean) {
  const app = book(
    'create table count (item text primary key, n integer); create table price (item text primary key, price)',
  )
  app
    .subscribe('prices', { from: 'start' })
    .on(Desk.counted, async (tx, { data }) => {
      await tx.sql`insert into count (item, n) values (${data.item}, 1) on conflict (item) do update set n = n + 1`
    })
    .on(Desk.priced, async (tx, { data }) => {
      await queries.price(tx, data.item, 1)
      if (isHigh(data.price)) await queries.forget(tx, data.item)
    })
  return app
}

test('no table in common counts where every statement of both ran, those of what they call included', async () => {
  const report = await reportOn(prices((price) => price > 1e9))
  assert.equal(cellOf(report, 'desk.counted', 'desk.counted').verdict, 'independent')
  const { verdict, touched, trials } = cellOf(report, 'desk.counted', 'desk.priced')
  assert.deepEqual([verdict, touched, trials >= 40], ['not exercised', 0, true])
  assert.match(
    terminalLines(report, { strict: false, claims: [] }).join('\n'),
    /\? book: desk\.counted × desk\.priced: 0 of \d+ trials shared a row, and some statement never ran; add a generator/,
  )
})

test('statements that no handler names are no matter', async () => {
  const app = book(
    'create table count (item text primary key, n integer); create table price (item text primary key, price)',
  )
  app
    .subscribe('prices', { from: 'start' })
    .on(Desk.counted, async (tx, { data }) => {
      // await tx.sql`delete from price`
      await tx.sql`insert into count (item, n) values (${data.item}, 1) on conflict (item) do update set n = n + 1`
    })
    .on(Desk.priced, async (tx, { data }) => void (await queries.price(tx, data.item, 1)))
  const { verdict } = cellOf(await reportOn(app), 'desk.counted', 'desk.priced')
  assert.equal(verdict, 'independent')
})
