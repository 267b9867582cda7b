import assert from 'node:assert/strict'
import { test } from 'node:test'
import { book, Desk, reportOn } from './fixture.ts'
import { opaque } from './observed.ts'
import { perturb } from './perturbing.ts'
import { System } from './system.ts'

const seen = `create table seen (item text primary key, n integer not null, at text not null);
  insert into seen values ('a', 1, '2026-01-01T00:00:00.000Z'), ('b', 2, '2026-01-01T00:00:00.000Z')`

/** Counts, and writes down when; `newer` heeds that. */
function counting(newer: boolean) {
  const app = book(seen)
  app.subscribe('seen', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
    const [row] = await tx.sql<{ n: number; at: string }>`select n, at from seen where item = ${data.item}`
    if (newer && row && row.at > tx.now().toISOString()) return
    await tx.sql`insert into seen (item, n, at) values (${data.item}, 1, ${tx.now()})
      on conflict (item) do update set n = n + 1, at = excluded.at`
  })
  return app
}

test('an opaque column that decides about something is named', async () => {
  const options = { opaque: ['seen.at'], values: { item: ['a', 'b'] } }
  assert.deepEqual((await reportOn(counting(false), options)).problems, [])
  const { problems } = await reportOn(counting(true), options)
  const expected = ['seen.at is declared opaque, and decides what book/seen does with desk.counted']
  assert.deepEqual(problems, expected)
})

test('a look that the checker did not notice is noticed by changing what it looked at', async () => {
  const options = { seed: 1, generators: new Map(), values: { item: ['a', 'b'] }, outside: {}, withhold: new Map() }
  const app = book(seen)
  app.subscribe('seen', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
    const [row] = await tx.sql<{ n: number }>`select sum(n) as n from seen`
    await tx.sql`insert into seen (item, n, at) values (${`${data.item} ${tx.id()}`}, ${row?.n ?? 0}, '')`
  })
  const system = await System.open([app], { ...options, invariants: {}, eventually: {} })
  try {
    assert.deepEqual(await perturb(system, opaque([])), [])
    const [{ db }] = system.world.units as [(typeof system.world.units)[number]]
    const watch = db.watch.bind(db)
    db.watch = (into) => {
      const accesses = watch(into)
      accesses.reads.push = () => 0
      return accesses
    }
    assert.match((await perturb(system, opaque([]))).join(), /book\/seen on desk\.counted looks at seen\.n in a way/)
  } finally {
    system.close()
  }
})
