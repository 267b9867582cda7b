import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rows } from '../store.ts'
import { type MakeStoreFixture, onStore, type Sql, sqlOf } from './fixture.ts'

const refused: Readonly<Record<string, (sql: Sql) => Promise<Rows>>> = {
  begin: (sql) => sql`begin`,
  commit: (sql) => sql`commit`,
  'commit behind a comment': (sql) => sql`-- tidy up
    /* really */ COMMIT`,
  end: (sql) => sql`end`,
  rollback: (sql) => sql`rollback`,
  savepoint: (sql) => sql`savepoint mine`,
  release: (sql) => sql`release skerry`,
  vacuum: (sql) => sql`vacuum`,
  'creating a table': (sql) => sql`create table mine (id integer)`,
  'creating a temporary table': (sql) => sql`create temporary table mine (id integer)`,
  'altering a table': (sql) => sql`alter table item add column more text`,
  'dropping a table': (sql) => sql`drop table item`,
  'reading Skerry’s tables': (sql) => sql`select * from skerry_meta`,
  'reading Skerry’s tables in other letters': (sql) => sql`select * from SKERRY_Meta`,
  'reading Skerry’s tables in a subquery': (sql) => sql`select (select count(*) from skerry_outbox) as n`,
  'writing Skerry’s tables': (sql) => sql`update skerry_position set next = 0`,
  'deleting from Skerry’s tables': (sql) => sql`delete from skerry_outbox`,
  'two statements': (sql) => sql`select 1; select 2`,
  'two statements behind a comment': (sql) => sql`select 1; -- one
    delete from item`,
  'a value in quotes': (sql) => sql`select 'it is ${1}'`,
  'a value in a comment': (sql) => sql`select 1 -- ${1}`,
  'an empty statement': (sql) => sql` -- nothing`,
}

/** Users' statements: what is refused, and what a statement gives. */
export function statements(make: MakeStoreFixture): void {
  test('statements that end the transaction, change the connection or touch Skerry’s tables are refused', () =>
    onStore(make, async (store) => {
      for (const [what, run] of Object.entries(refused)) {
        await assert.rejects(
          store.write((tx) => run(sqlOf(tx))),
          { code: 'statement_refused', message: /\(statement: / },
          what,
        )
        await assert.rejects(
          store.read((tx) => run(sqlOf(tx))),
          { code: 'statement_refused' },
          what,
        )
      }
      assert.deepEqual(await store.read((tx) => sqlOf(tx)`select count(*) as n from item`), [{ n: 0 }])
    }))

  test('a refused statement dooms its handler as a failed one does', () =>
    onStore(make, async (store) => {
      const write = store.write(async (tx) => {
        await sqlOf(tx)`insert into item (id) values (1)`
        await sqlOf(tx)`commit`.catch(() => undefined)
      })
      await assert.rejects(write, { code: 'statement_refused' })
    }))

  test('quotes, comments and a last semicolon are read as the engine reads them', () =>
    onStore(make, async (store) => {
      await store.write(async (tx) => {
        const sql = sqlOf(tx)
        assert.deepEqual(await sql`select 'it''s; :x ?' as "a;b"`, [{ 'a;b': "it's; :x ?" }])
        assert.deepEqual(await sql`select ${1} as a /* ; ? */ ; -- done; really`, [{ a: 1 }])
      })
    }))

  test('a statement gives plain rows and tells how many it changed', () =>
    onStore(make, async (store) => {
      await store.write(async (tx) => {
        const sql = sqlOf(tx)
        const inserted = await sql`insert into item (id, n) values (1, 10), (2, 20), (3, 30)`
        assert.deepEqual([...inserted], [])
        assert.equal(inserted.changes, 3)
        const updated = await sql`update item set n = n + ${5} where id >= ${2} returning id, n`
        assert.deepEqual(updated, [
          { id: 2, n: 25 },
          { id: 3, n: 35 },
        ])
        assert.equal(updated.changes, 2)
        const read = await sql`select id from item where id > ${2}`
        assert.deepEqual(read, [{ id: 3 }])
        assert.equal(read.changes, 0)
        const [row] = await sql`select id, label from item where id = ${1}`
        assert.deepEqual(row, { id: 1, label: null })
        assert.equal(Object.getPrototypeOf(row), Object.prototype)
        assert.equal((await sql`insert into item (id) values (1) on conflict do nothing`).changes, 0)
        assert.equal((await sql`delete from item`).changes, 3)
      })
    }))

  test('one call site serves many values', () =>
    onStore(make, async (store) => {
      await store.write(async (tx) => {
        for (let id = 1; id <= 100; id++) await sqlOf(tx)`insert into item (id, n) values (${id}, ${id * 2})`
        assert.deepEqual(await sqlOf(tx)`select sum(n) as total from item`, [{ total: 10_100 }])
      })
    }))

  test('statements given at once run in the order in which they were written, known or new', () =>
    onStore(make, async (store) => {
      const insert = (sql: Sql, id: number) => sql`insert into item (id, n) values (${id}, 1)`
      await store.write(async (tx) => {
        const sql = sqlOf(tx)
        await insert(sql, 1)
        const unawaited = [
          sql`update item set n = n * 10`,
          sql`update item set n = n + 5`,
          insert(sql, 2),
          sql`update item set n = n + ${1}`,
          insert(sql, 3),
        ]
        await unawaited.at(-1)
      })
      assert.deepEqual(await store.read((tx) => sqlOf(tx)`select id, n from item order by id`), [
        { id: 1, n: 16 },
        { id: 2, n: 2 },
        { id: 3, n: 1 },
      ])
    }))

  test('bookkeeping statements count their values', () =>
    onStore(make, async (store) => {
      await store.write(async (tx) => {
        assert.equal(await tx.run('insert into item (id, n) values (?, ?)', 1, 2), 1)
        assert.deepEqual(await tx.all('select id, n from item where id = ?', 1), [{ id: 1, n: 2 }])
      })
      await assert.rejects(
        store.read((tx) => tx.all('select ? as a, ? as b', 1)),
        { code: 'statement_failed' },
      )
    }))
}
