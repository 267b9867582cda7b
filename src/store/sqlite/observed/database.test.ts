import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { seededRandom } from '../../../ids.ts'
import type { Rows } from '../../store.ts'
import type { Accesses } from './access.ts'
import { ObservedDatabase } from './database.ts'

const tables = `
  create table orders (id text primary key, status text not null default 'open', n integer not null default 0, code text unique);
  create table line (id integer primary key, order_id text not null references orders (id) on delete cascade, item text);
  create table log (what text);
  create table stamp (id text primary key, at text not null default current_timestamp);
  insert into orders (id) values ('a'), ('b')`

async function open(t: TestContext, sql = tables): Promise<{ db: ObservedDatabase; run: Run }> {
  let wall = 0
  const ambient = { wall: () => wall++ * 1000, random: seededRandom('x'), asked: () => {} }
  const migrations = [{ number: 1, name: 'tables', additive: true, sql }]
  const db = await ObservedDatabase.open({ name: 'test', migrations, ambient })
  t.after(() => db.close())
  const run: Run = (template, ...values) => {
    const accesses = db.watch()
    return { rows: db.query(template, values, 'here', 'write'), accesses }
  }
  return { db, run }
}

type Run = (template: TemplateStringsArray, ...values: unknown[]) => { rows: Rows; accesses: Accesses }

/** Columns and values of what was looked at, in short. */
function looks({ reads }: Accesses, db: ObservedDatabase): string[] {
  return reads.map(({ table, terms }) => {
    const columns = db.schema.tables.get(table)?.columns ?? []
    return `${table} ${terms ? terms.map(({ column, value }) => `${columns[column]}=${value}`).join(' ') : 'all'}`
  })
}

describe('a look is narrowed to rows of given values', () => {
  const narrow: [sentence: string, run: (run: Run) => { accesses: Accesses }, looks: string[]][] = [
    ['one value', (run) => run`select * from orders where id = ${'a'}`, ['orders id=a']],
    [
      'two values',
      (run) => run`select n from orders o where o.id = ${'a'} and status = 'open'`,
      ['orders id=a status=open'],
    ],
    [
      'with a condition that is no equality',
      (run) => run`select 1 from orders where n > ${1} and id = ${'b'}`,
      ['orders id=b'],
    ],
    ['a sum of them', (run) => run`select sum(n) from orders where status = ${'open'}`, ['orders status=open']],
    ['between', (run) => run`select 1 from orders where n between ${1} and ${2} and id = ${'a'}`, ['orders id=a']],
    ['to change them', (run) => run`update orders set n = n + ${5} where id = ${'zz'}`, ['orders id=zz']],
    ['an or', (run) => run`select 1 from orders where id = ${'a'} or n = ${1}`, ['orders all']],
    ['no condition', (run) => run`select count(*) from orders`, ['orders all']],
    [
      'a join',
      (run) => run`select 1 from orders join line on order_id = orders.id where orders.id = ${'a'}`,
      ['orders all', 'line all'],
    ],
    ['a subquery', (run) => run`select 1 from orders where id = (select max(id) from orders)`, ['orders all']],
    ['itself twice', (run) => run`select 1 from orders x, orders y where x.id = ${'a'}`, ['orders all']],
    [
      'a value within brackets',
      (run) => run`select 1 from orders where (id = ${'a'} or 1) and status = ${'x'}`,
      ['orders status=x'],
    ],
  ]
  for (const [sentence, work, expected] of narrow)
    test(sentence, async (t) => {
      const { db, run } = await open(t)
      assert.deepEqual(looks(work(run).accesses, db).sort(), expected.sort())
    })
})

describe('rows are watched', () => {
  test('a row that goes in looks for those with its unique values, also when it is left out', async (t) => {
    const { db, run } = await open(t)
    const { accesses } = run`insert into orders (id, code) values (${'a'}, ${'X'}) on conflict do nothing`
    assert.deepEqual(looks(accesses, db), ['orders id=a', 'orders code=X'])
    assert.deepEqual(accesses.writes, [])
  })

  test('a row that refers to another looks for it', async (t) => {
    const { db, run } = await open(t)
    const { accesses } = run`insert into line (id, order_id) values (1, ${'b'})`
    assert.ok(looks(accesses, db).includes('orders id=b'))
  })

  test('a row that takes the next number looks at all that are there', async (t) => {
    const { db, run } = await open(t)
    assert.ok(looks(run`insert into line (order_id) values ('a')`.accesses, db).includes('line all'))
    assert.ok(looks(run`insert into line values (null, 'a', 'x')`.accesses, db).includes('line all'))
    assert.ok(!looks(run`insert into line values (7, 'a', 'x')`.accesses, db).includes('line all'))
  })

  test('what goes with a row that is deleted is seen, and what is replaced', async (t) => {
    const { run } = await open(t)
    run`insert into line (id, order_id) values (1, 'a')`
    const deleted = run`delete from orders where id = 'a'`.accesses.writes.map(({ table, after }) => [table, after])
    assert.deepEqual(deleted, [
      ['line', undefined],
      ['orders', undefined],
    ])
    const replaced = run`replace into orders (id, n) values ('b', 5)`.accesses.writes
    assert.deepEqual(
      replaced.map(({ before, after }) => [before?.[2], after?.[2]]),
      [
        [0, undefined],
        [undefined, 5],
      ],
    )
  })

  test('a change that changes nothing is a change', async (t) => {
    const { run } = await open(t)
    assert.equal(run`update orders set n = 0 where id = 'a'`.accesses.writes.length, 1)
  })
})

test('what was done since a moment is undone, and the moment before it is still there', async (t) => {
  const { db, run } = await open(t)
  const before = db.dump()
  const first = db.mark()
  run`insert into orders (id) values ('c')`
  const second = db.mark()
  run`delete from orders`
  db.back(second)
  assert.equal(run`select count(*) as n from orders`.rows[0]?.n, 3)
  db.back(first)
  assert.deepEqual(db.dump(), before)
  assert.equal(db.depth, 0)
})

test('the time of day and randomness inside of statements are given, and told of', async (t) => {
  const { run } = await open(t)
  const { accesses } = run`insert into stamp (id) values ('s')`
  assert.deepEqual([...accesses.ambient], ['current_timestamp at here'])
  assert.match(String(run`select at from stamp`.rows[0]?.at), /^1970-01-01 00:00:0\d$/)
  assert.match(String(run`select datetime('now', '+1 day') as at`.rows[0]?.at), /^1970-01-02/)
  assert.equal(run`select datetime('2020-02-28', '+1 day') as at`.rows[0]?.at, '2020-02-29 00:00:00')
  assert.deepEqual([...run`select random() as r`.accesses.ambient], ['random at here'])
})

test('what a handler may not do is refused as in a store', async (t) => {
  const { db, run } = await open(t)
  assert.throws(() => run`pragma user_version`, { code: 'statement_refused' })
  assert.throws(() => run`commit`, { code: 'statement_refused' })
  assert.throws(() => db.query(Object.assign(['delete from orders'], { raw: ['x'] }), [], '', 'read'), {
    code: 'statement_refused',
  })
})
