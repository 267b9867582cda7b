import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { CrashPoint } from '../../telemetry.ts'
import { itemIds, items, sqlOf } from '../conformance/fixture.ts'
import type { Migration } from '../store.ts'
import { type SqliteFixture, sqliteFixture } from './fixture.ts'
import type { SqliteStoreOptions } from './open.ts'
import type { SqliteStore } from './store.ts'

async function onStore(
  run: (store: SqliteStore, fixture: SqliteFixture) => Promise<void>,
  options: Partial<SqliteStoreOptions> = {},
): Promise<void> {
  const fixture = await sqliteFixture()
  const store = await fixture.open({ migrations: [items], ...options })
  try {
    await run(store, fixture)
  } finally {
    await store.close()
    await fixture.dispose()
  }
}

const rollbackItself: Migration = {
  number: 2,
  name: 'rollback',
  sql: `
    create table strict_label (label text unique on conflict rollback);
    create trigger never_negative before insert on item when new.n < 0 begin select raise(rollback, 'negative'); end`,
  additive: true,
}

test('a constraint that rolls everything back by itself ends the transaction; nothing after it is committed alone', () =>
  onStore(
    async (store) => {
      for (const [fatal, message] of [
        [(sql: ReturnType<typeof sqlOf>) => sql`insert into strict_label (label) values ('a'), ('a')`, /UNIQUE/],
        [(sql: ReturnType<typeof sqlOf>) => sql`insert into item (id, n) values (9, -1)`, /negative/],
      ] as const) {
        const write = store.write(async (tx) => {
          await sqlOf(tx)`insert into item (id) values (1)`
          await tx.savepoint()
          await fatal(sqlOf(tx)).catch(() => undefined)
          assert.equal(tx.alive, false)
          await assert.rejects(tx.rollback(), { code: 'statement_failed', message })
          await assert.rejects(tx.run('insert into item (id) values (?)', 2), { code: 'statement_failed', message })
        })
        await assert.rejects(write, { code: 'statement_failed', message })
        assert.deepEqual(await itemIds(store), [])
      }
    },
    { migrations: [items, rollbackItself] },
  ))

const aroundGuard: Migration = {
  number: 2,
  name: 'around',
  sql: `
    create view secret as select * from skerry_meta;
    create trigger spy after insert on part begin update skerry_meta set value = 'spied'; end`,
  additive: true,
}

test('Skerry’s tables are out of reach through views, triggers, and SQLite’s own words', () =>
  onStore(
    async (store) => {
      const tries: readonly ((sql: ReturnType<typeof sqlOf>) => Promise<unknown>)[] = [
        (sql) => sql`select * from secret`,
        (sql) => sql`insert into part (id) values (1)`,
        (sql) => sql`insert into item (id) select count(*) from main.skerry_meta`,
        (sql) => sql`select * from "skerry_meta"`,
        (sql) => sql`select * from [skerry_meta]`,
        (sql) => sql`replace into skerry_meta (name, value) values ('identity', 'mine')`,
        (sql) => sql`with m as (select * from skerry_meta) select * from m`,
        (sql) => sql`explain commit`,
        (sql) => sql`pragma journal_mode`,
        (sql) => sql`attach ${'/tmp/other.db'} as other`,
        (sql) => sql`detach main`,
        (sql) => sql`reindex`,
        (sql) => sql`analyze`,
        (sql) => sql`create temp view mine as select 1`,
      ]
      for (const attempt of tries)
        await assert.rejects(
          store.write((tx) => attempt(sqlOf(tx))),
          { code: 'statement_refused' },
          attempt.toString(),
        )
      const [row] = await store.read((tx) => tx.all('select value from skerry_meta where name = ?', 'identity'))
      assert.equal(row?.value, store.identity)
    },
    { migrations: [items, aroundGuard] },
  ))

test('full-text search works in migrations and in handlers', () =>
  onStore(
    async (store) => {
      await store.write((tx) => sqlOf(tx)`insert into words (body) values (${'a small rock island'})`)
      const found = await store.read((tx) => sqlOf(tx)`select rowid from words where words match ${'rock'}`)
      assert.deepEqual(found, [{ rowid: 2 }])
    },
    {
      migrations: [
        items,
        {
          number: 2,
          name: 'words',
          sql: `
            create virtual table words using fts5 (body);
            insert into words (body) values ('sea');
            create table found as select body from words where words match 'sea'`,
          additive: true,
        },
      ],
    },
  ))

test('crash points lie just before and just after the commit', async () => {
  const seen: [CrashPoint, unknown][] = []
  let file = ''
  const crash = (point: CrashPoint) => {
    const other = new DatabaseSync(file, { readOnly: true })
    seen.push([point, other.prepare('select count(*) as n from item').get()?.n])
    other.close()
  }
  await onStore(
    async (store, fixture) => {
      file = fixture.file
      await store.write((tx) => sqlOf(tx)`insert into item (id) values (1)`)
    },
    { crash },
  )
  assert.deepEqual(seen, [
    ['store.before-commit', 0],
    ['store.after-commit', 1],
  ])
})

test('a table changed by newer code is seen as it is now, by statements that were prepared before', () =>
  onStore(async (store, fixture) => {
    const all = (s: SqliteStore) => s.read((tx) => sqlOf(tx)`select * from item`)
    await store.write((tx) => sqlOf(tx)`insert into item (id) values (1)`)
    assert.deepEqual(await all(store), [{ id: 1, n: 0, label: null, body: null }])
    const renamed = { number: 2, name: 'rename', sql: 'alter table item rename column n to size', additive: true }
    const added = {
      number: 3,
      name: 'add',
      sql: `alter table item add column note text default 'none'`,
      additive: true,
    }
    const newer = await fixture.open({ migrations: [items, renamed] })
    assert.deepEqual(await all(store), [{ id: 1, size: 0, label: null, body: null }])
    const newest = await fixture.open({ migrations: [items, renamed, added] })
    assert.deepEqual(await all(store), [{ id: 1, size: 0, label: null, body: null, note: 'none' }])
    await newer.close()
    await newest.close()
  }))

test('readers beyond their number wait in line', () =>
  onStore(
    async (store) => {
      const seen: string[] = []
      const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const read = (name: string, until?: Promise<void>) =>
        store.read(async () => {
          seen.push(name)
          await until
        })
      const reads = [read('a', first.promise), read('b', second.promise), read('c'), read('d')]
      await store.write(async () => {})
      assert.deepEqual(seen, ['a', 'b'])
      second.resolve()
      await Promise.all(reads.slice(1))
      assert.deepEqual(seen, ['a', 'b', 'c', 'd'])
      first.resolve()
      await reads[0]
    },
    { readers: 2 },
  ))

test('a reader in line when the store closes is refused; one at work is waited for', () =>
  onStore(
    async (store) => {
      const gate = Promise.withResolvers<void>()
      const atWork = store.read(async (tx) => {
        await gate.promise
        return tx.all('select 1 as one')
      })
      const inLine = assert.rejects(
        store.read(async () => {}),
        { code: 'closed' },
      )
      let closed = false
      const closing = store.close().then(() => {
        closed = true
      })
      await inLine
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(closed, false)
      gate.resolve()
      assert.deepEqual(await atWork, [{ one: 1 }])
      await closing
    },
    { readers: 1 },
  ))
