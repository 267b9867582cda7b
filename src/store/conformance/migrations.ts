import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Migration, Store } from '../store.ts'
import { itemIds, items, type MakeStoreFixture, onFixture, onStore, type StoreFixture, sqlOf } from './fixture.ts'

const more: Migration = { number: 2, name: 'more', sql: 'create table extra (id integer primary key)', additive: true }
const cut: Migration = { number: 2, name: 'cut', sql: '-- breaking\ndrop table part', additive: false }

/** Set-up of a store: its tables, its identity, and who may open it. */
export function migrations(make: MakeStoreFixture): void {
  test('a store keeps its identity, and no two have the same', async () => {
    const identities = new Set<string>()
    for (let i = 0; i < 2; i++)
      await onStore(make, async (store, fixture) => {
        identities.add(store.identity)
        const again = await fixture.open()
        assert.equal(again.identity, store.identity)
        await again.close()
      })
    assert.equal(identities.size, 2)
  })

  test('each migration runs once, in order of numbers', () =>
    onFixture(make, async (fixture) => {
      await opened(fixture, [more, items], (store) => store.write((tx) => sqlOf(tx)`insert into item (id) values (1)`))
      await opened(fixture, [items, more], async (store) => {
        assert.deepEqual(await itemIds(store), [1])
        assert.deepEqual(await store.read((tx) => sqlOf(tx)`select * from extra`), [])
      })
    }))

  test('migrations numbered with a gap or twice are refused', () =>
    onFixture(make, async (fixture) => {
      await assert.rejects(opened(fixture, [items, { ...more, number: 3 }]), {
        code: 'invalid_config',
        message: /number 2/,
      })
      await assert.rejects(opened(fixture, [items, { ...more, number: 1 }]), {
        code: 'invalid_config',
        message: /twice/,
      })
    }))

  test('a migration edited after it ran is refused by name', () =>
    onFixture(make, async (fixture) => {
      await opened(fixture, [items, more])
      const edited = { ...more, sql: `${more.sql} ` }
      await assert.rejects(opened(fixture, [items, edited]), {
        code: 'migration_refused',
        message: /2 \(more\) was edited/,
      })
      await opened(fixture, [items, more])
    }))

  test('older code opens a store that newer code has only added to', () =>
    onFixture(make, async (fixture) => {
      await opened(fixture, [items, more])
      await opened(fixture, [items])
      await opened(fixture, [])
    }))

  test('older code is refused by a store that newer code has changed under it', () =>
    onFixture(make, async (fixture) => {
      await opened(fixture, [items, cut])
      await assert.rejects(opened(fixture, [items]), { code: 'migration_refused', message: /2 \(cut\)/ })
      await opened(fixture, [items, cut])
    }))

  test('a migration that fails leaves nothing behind, keeps those before it, and is tried again', () =>
    onFixture(make, async (fixture) => {
      const broken = { ...more, sql: `${more.sql}; insert into extra (id) values (1); insert into nowhere values (1)` }
      await assert.rejects(opened(fixture, [items, broken]), {
        code: 'migration_refused',
        message: /2 \(more\).*nowhere/s,
      })
      await opened(fixture, [items, more], async (store) =>
        assert.deepEqual(await store.read((tx) => sqlOf(tx)`select * from extra`), []),
      )
    }))

  test('a migration may not end its transaction nor touch Skerry’s tables', () =>
    onFixture(make, async (fixture) => {
      for (const sql of [
        'create table early (id integer); commit; create table late (id integer)',
        'savepoint mine',
        'delete from skerry_outbox',
        'drop table skerry_position',
        'create index mine on skerry_outbox (count)',
        'create table Skerry_mine (id integer)',
      ])
        await assert.rejects(opened(fixture, [{ ...items, sql }]), { code: 'migration_refused' }, sql)
      await opened(fixture, [{ ...items, sql: 'create table early (id integer)' }])
    }))

  test('openers at the same time migrate once', () =>
    onFixture(make, async (fixture) => {
      const stores = await Promise.all([1, 2, 3].map(() => fixture.open({ migrations: [items, more] })))
      assert.equal(new Set(stores.map((store) => store.identity)).size, 1)
      for (const store of stores) await store.close()
    }))
}

async function opened(
  fixture: StoreFixture,
  list: readonly Migration[],
  use: (store: Store) => Promise<unknown> = async () => {},
): Promise<void> {
  const store = await fixture.open({ migrations: list })
  try {
    await use(store)
  } finally {
    await store.close()
  }
}
