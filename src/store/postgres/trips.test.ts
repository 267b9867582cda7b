import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import type { Store, StoreTx } from '../store.ts'
import { postgresFixture, proxyTo, sqlOf, type TestServer, tables, testServer, type WireProxy } from './fixture.ts'

/** What a transaction costs on the wire. */
describe('PostgreSQL store, round trips', { skip: missing('postgresql') }, () => {
  let server: TestServer

  before(async () => {
    server = await testServer()
  })

  after(() => server.stop())

  /** The trips of one transaction, once its statements are known. */
  async function trips(work: (tx: StoreTx, base: number) => Promise<void>): Promise<number> {
    const proxy: WireProxy = await proxyTo(server)
    const fixture = await postgresFixture(server)
    const store: Store = await fixture.open({ url: proxy.url, migrations: [tables] })
    try {
      await store.write((tx) => work(tx, 0))
      const before = proxy.packets
      await store.write((tx) => work(tx, 1000))
      return proxy.packets - before
    } finally {
      await store.close()
      await fixture.dispose()
      await proxy.close()
    }
  }

  const insert = (tx: StoreTx, id: number) => sqlOf(tx)`insert into item (id, n) values (${id}, 1)`

  test('a transaction that does nothing costs none', async () => {
    assert.equal(await trips(async () => {}), 0)
  })

  test('an event with one statement costs one, its frame none; a commit costs one', async () => {
    const batch = async (tx: StoreTx, base: number): Promise<void> => {
      for (let n = 0; n < 60; n++) {
        await tx.savepoint()
        await insert(tx, base + n)
        await tx.release()
      }
    }
    assert.equal(await trips(batch), 61)
  })

  test('an event that is undone, or has no statement, costs no more', async () => {
    const batch = async (tx: StoreTx, base: number): Promise<void> => {
      for (let n = 0; n < 20; n++) {
        await tx.savepoint()
        if (n % 2 === 0) await insert(tx, base + n)
        await (n % 4 === 0 ? tx.rollback() : tx.release())
      }
    }
    assert.equal(await trips(batch), 11)
  })

  test('statements asked for in the same moment travel together, in their order', async () => {
    const together = async (tx: StoreTx, base: number): Promise<void> => {
      const sql = sqlOf(tx)
      const all = await Promise.all([
        insert(tx, base),
        sql`update item set n = n + 1 where id = ${base}`,
        tx.all('select n from item where id = ?', base),
      ])
      assert.deepEqual(all[2], [{ n: 2 }])
    }
    assert.equal(await trips(together), 2)
  })
})
