import assert from 'node:assert/strict'
import { test } from 'node:test'
import { book, Desk, reportOn } from './fixture.ts'
import { htmlOf } from './html.ts'

test('the page marks a pair that only races, leads to its example, and has the remedy and the way to see it again', async () => {
  const app = book('create table stock (item text primary key, n integer not null)')
  app.subscribe('stock', { from: 'start' }).on(Desk.counted, {
    prepare: async (ctx, { data }) => {
      const [row] = await ctx.sql<{ n: number }>`select n from stock where item = ${data.item}`
      return row?.n ?? 0
    },
    handle: async (tx, { data }, before) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, ${before + data.n})
        on conflict (item) do update set n = excluded.n`
    },
  })
  const report = await reportOn(app)
  const page = htmlOf(report, { strict: false, claims: report.claims })
  const [, number] = /<td class="s-dependent" title="[^"]+"><a href="#e(\d+)">✗<\/a><\/td>/.exec(page) ?? []
  assert.ok(page.includes(`<section id="e${number}"><h3>book: desk.counted × desk.counted race: `), page)
  assert.ok(page.includes(`<code>skerry check test --replay 1:${number}</code>`))
  assert.ok(page.includes('<code>docs/guide/patterns.md#versions</code>'))
})

test('no link of the page leads nowhere, and independent pairs have none', async () => {
  const app = book('create table price (item text primary key, price integer not null)')
  app
    .subscribe('price', { from: 'start' })
    .on(Desk.priced, async (tx, { data }) => {
      await tx.sql`insert into price (item, price) values (${data.item}, ${data.price})
        on conflict (item) do update set price = excluded.price`
    })
    .on(Desk.counted, async (tx, { data }) => {
      await tx.sql`update price set price = price + ${data.n} where item = ${data.item}`
    })
  const report = await reportOn(app)
  const page = htmlOf(report, { strict: false, claims: report.claims })
  const links = [...page.matchAll(/href="#(e\d+)"/g)].map(([, id = '']) => id)
  assert.ok(links.length > 0)
  for (const id of links) assert.ok(page.includes(`id="${id}"`), id)
  assert.match(page, /<td class="s-independent" title="[^"]+">·<\/td>/)
})
