import assert from 'node:assert/strict'
import { test } from 'node:test'
import { items, sqlOf } from '../conformance/fixture.ts'
import type { Migration } from '../store.ts'
import { type SqliteFixture, sqliteFixture } from './fixture.ts'

const second = (sql: string): readonly Migration[] => [items, { number: 2, name: 'second', sql, additive: false }]

/** A store with an item and a part of it. */
async function onItems(run: (fixture: SqliteFixture) => Promise<void>): Promise<void> {
  const fixture = await sqliteFixture()
  const store = await fixture.open({ migrations: [items] })
  await store.write(async (tx) => {
    await sqlOf(tx)`insert into item (id, label) values (1, 'kept')`
    await sqlOf(tx)`insert into part (id, item) values (1, 1)`
  })
  await store.close()
  try {
    await run(fixture)
  } finally {
    await fixture.dispose()
  }
}

test('a table can be rebuilt without touching what refers to it, and references hold again after', () =>
  onItems(async (fixture) => {
    const migrations = second(`
      create table item2 (id integer primary key, label text, note text);
      insert into item2 (id, label) select id, label from item;
      drop table item;
      alter table item2 rename to item`)
    const store = await fixture.open({ migrations })
    assert.deepEqual(await store.read((tx) => sqlOf(tx)`select * from item`), [{ id: 1, label: 'kept', note: null }])
    assert.deepEqual(await store.read((tx) => sqlOf(tx)`select * from part`), [{ id: 1, item: 1 }])
    await assert.rejects(
      store.write((tx) => sqlOf(tx)`delete from item`),
      { code: 'statement_failed' },
    )
    await store.close()
  }))

test('a migration that leaves a reference to nothing is undone', () =>
  onItems(async (fixture) => {
    await assert.rejects(fixture.open({ migrations: second('delete from item') }), {
      code: 'migration_refused',
      message: /2 \(second\) failed and was undone: table part refers to a missing row of item/,
    })
    const store = await fixture.open({ migrations: [items] })
    assert.equal((await store.read((tx) => sqlOf(tx)`select * from item`)).length, 1)
    await store.close()
  }))

test('a migration is told why its pragma, its attachment and its hands on Skerry’s tables are refused', () =>
  onItems(async (fixture) => {
    for (const [sql, reason] of [
      ['pragma foreign_keys = off', /migrations need no pragma/],
      [`attach '${fixture.file}.other' as other`, /the connection is Skerry’s/],
      ['create trigger mine after insert on skerry_outbox begin select 1; end', /skerry_ tables are Skerry’s own/],
      ['create table SKERRY_mine (id integer)', /skerry_ tables are Skerry’s own/],
      ['create view mine as select * from skerry_meta; select * from mine', /skerry_ tables are Skerry’s own/],
      ['create table mine (id integer); rollback', /Skerry begins and commits/],
    ] as const)
      await assert.rejects(
        fixture.open({ migrations: second(sql) }),
        { code: 'migration_refused', message: reason },
        sql,
      )
  }))
