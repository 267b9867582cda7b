import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { ObservedDatabase } from '../../store/sqlite/observed/database.ts'
import { migration } from './fixture.ts'
import { type Footprint, meeting } from './footprint.ts'

const tables = `
  create table t (k text primary key, u integer unique, n integer not null default 0, s text);
  create table numbered (id integer primary key, k text);
  create table bag (k text, n integer);
  create table child (id text primary key, k text references t (k) on delete set null);
  create table named (k text collate nocase primary key, n integer);
  create index t_s on t (s)`

type Statement = readonly [template: TemplateStringsArray, ...values: unknown[]]
const sql = (...statement: Statement): Statement => statement

/** Statements of all kinds, about few keys, so that most pairs are about different ones. */
function statements(k: string, n: number): Statement[] {
  return [
    sql`insert into t (k, u) values (${k}, ${n}) on conflict do nothing`,
    sql`insert into t (k, n) values (${k}, ${n}) on conflict (k) do update set n = t.n + excluded.n`,
    sql`insert into t (k, s) values (${k}, ${k}) on conflict (k) do update set s = 'n' || t.n`,
    sql`insert or replace into t (k, u, n) values (${k}, ${n}, 1)`,
    sql`update t set n = n + ${n} where k = ${k}`,
    sql`update t set s = ${k} where n = ${n}`,
    sql`update or ignore t set u = ${n} where k = ${k}`,
    sql`delete from t where k = ${k} and n = ${n}`,
    sql`delete from t where u = ${n}`,
    sql`select count(*) as c, sum(n) as n from t where s = ${k}`,
    sql`select n from t where k = ${k}`,
    sql`select * from t order by k limit 1`,
    sql`select t.n from t join child on child.k = t.k where child.id = ${k}`,
    sql`insert into numbered (k) values (${k})`,
    sql`insert into numbered (id, k) values (${n}, ${k}) on conflict do nothing`,
    sql`select max(id) as id from numbered where k = ${k}`,
    sql`insert into bag (k, n) values (${k}, ${n})`,
    sql`update bag set n = n * 2 where k = ${k}`,
    sql`delete from bag where n = ${n}`,
    sql`select sum(n) as n from bag where k = ${k}`,
    sql`insert or ignore into child (id, k) select ${k}, k from t where k = ${k}`,
    sql`update child set k = null where id = ${k}`,
    sql`insert into named (k, n) values (${n % 2 ? k : k.toUpperCase()}, 1) on conflict (k) do update set n = n + ${n}`,
    sql`select n from named where k = ${k}`,
  ]
}

test('two statements whose footprints do not meet come to the same in either order, and see the same', async (t) => {
  const random = seededRandom('footprints')
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const any = (): Statement => pick(statements(pick(['a', 'b', 'c']), pick([1, 2, 3])))
  const ambient = { wall: () => 0, random, asked: () => {} }
  const db = await ObservedDatabase.open({ name: 'test', migrations: migration(tables), ambient })
  t.after(() => db.close())
  const print = (accesses: Footprint['accesses']): Footprint => {
    const nothing = { sees: new Set<string>(), changes: new Set<string>(), fresh: new Set<string>() }
    return { service: 'test', schema: db.schema, accesses, ...nothing }
  }
  const run = ([template, ...values]: Statement) => {
    const accesses = db.watch()
    try {
      return { rows: JSON.stringify(db.query(template, values, '', 'write')), print: print(accesses) }
    } catch (error) {
      return { rows: String(error), print: print(accesses) }
    }
  }
  const state = (): string =>
    JSON.stringify([...db.dump()].map(([name, rows]) => [name, rows.map((row) => JSON.stringify(row)).sort()]))
  let apart = 0
  for (let n = 0; n < 4000; n++) {
    const start = db.mark()
    for (let i = 0; i < 6; i++) run(any())
    const [a, b] = [any(), any()]
    const here = db.mark()
    const [a1, b1] = [run(a), run(b)]
    const one = state()
    db.back(here)
    db.mark()
    const [b2, a2] = [run(b), run(a)]
    const other = state()
    db.back(start)
    if (meeting(a1.print, b1.print) || meeting(a2.print, b2.print)) continue
    apart++
    const what = `${a[0].join('?')} (${a.slice(1)}) beside ${b[0].join('?')} (${b.slice(1)})`
    assert.equal(one, other, what)
    assert.deepEqual([a1.rows, b1.rows], [a2.rows, b2.rows], what)
  }
  assert.ok(apart > 1500, `only ${apart} pairs kept apart`)
})
