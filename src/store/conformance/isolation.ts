import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store } from '../store.ts'
import { itemIds, type MakeStoreFixture, onStore, type StoreFixture, sqlOf } from './fixture.ts'

/** What transactions see of one another: in one process, and between openers of the same store. */
export function isolation(make: MakeStoreFixture): void {
  test('a reader beside the writer sees nothing of an open transaction; the writer sees its own', () =>
    onStore(make, async (store) => {
      await store.write(async (tx) => {
        await sqlOf(tx)`insert into item (id) values (1)`
        assert.deepEqual(await itemIds(store), [])
        assert.equal((await sqlOf(tx)`select id from item`).length, 1)
      })
      assert.deepEqual(await itemIds(store), [1])
    }))

  test('a snapshot stays as it was, whatever is committed meanwhile', () =>
    onStore(make, async (store) => {
      await store.read(async (tx) => {
        assert.deepEqual(await sqlOf(tx)`select id from item`, [])
        await store.write(async (writing) => void (await sqlOf(writing)`insert into item (id) values (1)`))
        assert.deepEqual(await sqlOf(tx)`select id from item`, [])
      })
      assert.deepEqual(await itemIds(store), [1])
    }))

  test('a snapshot refuses to write', () =>
    onStore(make, async (store) => {
      for (const write of [
        (sql: ReturnType<typeof sqlOf>) => sql`insert into item (id) values (1)`,
        (sql: ReturnType<typeof sqlOf>) => sql`with gone as (select 1) update item set n = 1`,
        (sql: ReturnType<typeof sqlOf>) => sql`delete from item returning id`,
      ])
        await assert.rejects(
          store.read((tx) => write(sqlOf(tx))),
          { code: 'statement_refused' },
        )
      assert.deepEqual(await itemIds(store), [])
    }))

  test('more readers than there are connections all get their turn', () =>
    onStore(make, async (store) => {
      const reads = Array.from({ length: 30 }, (_, n) =>
        store.read(async (tx) => {
          await new Promise((resolve) => setImmediate(resolve))
          return (await tx.all<{ n: number }>('select count(*) + ? as n from item', n))[0]?.n
        }),
      )
      assert.deepEqual(
        await Promise.all(reads),
        Array.from({ length: 30 }, (_, n) => n),
      )
    }))

  test('the version changes with commits of others, never with our own', () =>
    onTwo(make, async (ours, theirs) => {
      const before = await ours.version()
      await add(ours, 1)
      await ours.read(async (tx) => tx.all('select 1 as one'))
      assert.equal(await ours.version(), before)
      await add(theirs, 2)
      const after = await ours.version()
      assert.notEqual(after, before)
      assert.equal(await ours.version(), after)
    }))

  test('what another opener commits is seen by the next transaction', () =>
    onTwo(make, async (ours, theirs) => {
      await add(theirs, 1)
      assert.deepEqual(await itemIds(ours), [1])
      const ids = await ours.write((tx) => sqlOf(tx)`select id from item`)
      assert.deepEqual(ids, [{ id: 1 }])
    }))

  test('two openers that count in the same row lose no step', () =>
    onTwo(make, async (ours, theirs) => {
      await add(ours, 1)
      const step = (store: Store) => retried(store, async (tx) => void (await sqlOf(tx)`update item set n = n + 1`))
      await Promise.all(Array.from({ length: 40 }, (_, i) => step(i % 2 ? ours : theirs)))
      assert.deepEqual(await ours.read((tx) => sqlOf(tx)`select n from item`), [{ n: 40 }])
    }))

  test('of two claims with the same token one wins, and the loser changes nothing', () =>
    onTwo(make, async (ours, theirs) => {
      await ours.write(async (tx) => void (await sqlOf(tx)`insert into item (id, label) values (1, 'free')`))
      const claim = (store: Store, token: string) =>
        retried(store, async (tx) => (await sqlOf(tx)`update item set label = ${token} where label = 'free'`).changes)
      const won = await Promise.all([claim(ours, 'ours'), claim(theirs, 'theirs')])
      assert.deepEqual([...won].sort(), [0, 1])
      const [row] = await ours.read((tx) => sqlOf(tx)`select label from item`)
      assert.equal(row?.label, won[0] === 1 ? 'ours' : 'theirs')
    }))
}

function onTwo(make: MakeStoreFixture, test: (ours: Store, theirs: Store, fixture: StoreFixture) => Promise<void>) {
  return onStore(make, async (ours, fixture) => {
    const theirs = await fixture.open()
    try {
      await test(ours, theirs, fixture)
    } finally {
      await theirs.close()
    }
  })
}

function add(store: Store, id: number): Promise<unknown> {
  return store.write((tx) => sqlOf(tx)`insert into item (id) values (${id})`)
}

/** An engine may ask for the whole transaction again. */
async function retried<T>(store: Store, work: Parameters<typeof store.write<T>>[0]): Promise<T> {
  for (;;) {
    try {
      return await store.write(work)
    } catch (error) {
      if ((error as { code?: string }).code !== 'conflict') throw error
    }
  }
}
