import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { adoptTables } from './adopt.ts'
import { sqliteFixture } from './fixture.ts'

const schema = `
  create table parent (id integer primary key autoincrement, name text not null, long_name as (name || '!') stored);
  create table "odd ""name" (parent integer references parent (id), at text default 'now') strict;
  create index by_name on parent (name);
  create view names as select name from parent;
  create table seen (name text);
  create trigger note after insert on parent begin insert into seen values (new.name); end;`

test('tables, rows, indexes, views, triggers and sequences of another file take the place of the present ones', async (t) => {
  const fixture = await sqliteFixture()
  t.after(() => fixture.dispose())
  const other = join(fixture.file, '..', 'other.db')
  const db = new DatabaseSync(other)
  db.exec(`${schema} insert into parent (name) values ('a'), ('b'), ('c'); delete from parent where name = 'c';
    insert into "odd ""name" (parent) values (2), (1); create table skerry_meta (name text, value text);
    insert into skerry_meta values ('from', 'other')`)
  db.close()

  const store = await fixture.open({
    migrations: [
      {
        number: 1,
        name: 'before',
        additive: true,
        sql: `${schema} insert into parent (name) values ('old'); create table gone (x);
          insert into "odd ""name" (parent) values (1)`,
      },
    ],
  })
  const adopted = await store.write(async (tx) => {
    await adoptTables(tx, other)
    return tx.all<{ value: string }>('select value from rebuilt.skerry_meta')
  })
  assert.deepEqual(adopted, [{ value: 'other' }])
  await store.read(async (tx) => {
    assert.deepEqual(await tx.all('select id, long_name from parent order by id'), [
      { id: 1, long_name: 'a!' },
      { id: 2, long_name: 'b!' },
    ])
    assert.deepEqual(await tx.all('select parent, at from "odd ""name" order by parent'), [
      { parent: 1, at: 'now' },
      { parent: 2, at: 'now' },
    ])
    assert.deepEqual(await tx.all('select name from names order by name'), [{ name: 'a' }, { name: 'b' }])
    assert.deepEqual(await tx.all('select name from seen'), [{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    assert.deepEqual(await tx.all("select name from sqlite_schema where name in ('gone', 'by_name')"), [
      { name: 'by_name' },
    ])
    assert.deepEqual(await tx.all("select seq from sqlite_sequence where name = 'parent'"), [{ seq: 3 }])
    assert.notDeepEqual(await tx.all('select value from skerry_meta'), [{ value: 'other' }])
  })
  await store.close()
})

test('a transaction that fails leaves the present tables as they are', async (t) => {
  const fixture = await sqliteFixture()
  t.after(() => fixture.dispose())
  const other = join(fixture.file, '..', 'other.db')
  const db = new DatabaseSync(other)
  db.exec('pragma foreign_keys = off; create table p (id integer primary key); create table c (p references p (id))')
  db.exec('insert into c values (7)')
  db.close()
  const store = await fixture.open({
    migrations: [
      {
        number: 1,
        name: 'p',
        additive: true,
        sql: 'create table p (id integer primary key); insert into p values (1)',
      },
    ],
  })
  await assert.rejects(
    store.write((tx) => adoptTables(tx, other)),
    /FOREIGN KEY/,
  )
  assert.deepEqual(await store.read((tx) => tx.all('select id from p')), [{ id: 1 }])
  await store.close()
})

test('virtual tables are refused', async (t) => {
  const fixture = await sqliteFixture()
  t.after(() => fixture.dispose())
  const other = join(fixture.file, '..', 'other.db')
  const db = new DatabaseSync(other)
  db.exec('create virtual table words using fts5 (word)')
  db.close()
  const store = await fixture.open()
  await assert.rejects(
    store.write((tx) => adoptTables(tx, other)),
    /words is a virtual table/,
  )
  await store.close()
})
