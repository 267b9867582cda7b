import assert from 'node:assert/strict'
import { test } from 'node:test'
import { book, cellOf, Desk, reportOn } from './fixture.ts'
import { isFailure } from './report.ts'

test('a projection rebuilt from the log is the one that ran, or is named; other services are not asked', async () => {
  const counting = (projection: boolean, adds: boolean) => {
    const app = book('create table stock (item text primary key, n integer not null)', projection)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      if (adds)
        await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n}) on conflict (item) do update set n = n + excluded.n`
      else
        await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n}) on conflict (item) do update set n = excluded.n`
    })
    return app
  }
  const report = await reportOn(counting(true, false))
  const assigned = cellOf(report, 'desk.counted', 'desk.counted', 'rebuild')
  assert.equal(assigned.verdict, 'dependent')
  assert.ok(isFailure(assigned, { strict: false, claims: report.claims }))
  assert.equal(
    cellOf(await reportOn(counting(true, true)), 'desk.counted', 'desk.counted', 'rebuild').verdict,
    'independent',
  )
  const other = await reportOn(counting(false, false))
  assert.deepEqual(
    other.cells.filter(({ level }) => level === 'rebuild'),
    [],
  )
})

test('what processes remember is not rebuilt: a projection that lives by it is named, one that does not is not', async () => {
  const counting = (remembers: boolean) => {
    const app = book(
      "create table stock (item text primary key, n integer not null); insert into stock values ('a', 5), ('b', 7)",
      true,
    )
    const seen = app.memory(() => new Map<string, number>())
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      const n = (seen().get(data.item) ?? 0) + 1
      if (remembers) {
        seen().set(data.item, n)
        await tx.sql`insert into stock (item, n) values (${data.item}, ${n}) on conflict (item) do update set n = max(n, excluded.n)`
      } else
        await tx.sql`insert into stock (item, n) values (${data.item}, 1) on conflict (item) do update set n = n + 1`
    })
    return app
  }
  const of = async (remembers: boolean) =>
    cellOf(await reportOn(counting(remembers)), 'desk.counted', 'desk.counted', 'rebuild')
  assert.equal((await of(true)).verdict, 'dependent')
  assert.equal((await of(false)).verdict, 'independent')
})
