import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Server } from '../../../test/servers/kinds.ts'
import { missing } from '../../../test/servers/needs.ts'
import { missingPooler, startPooler } from '../../../test/servers/pgbouncer.ts'
import { codeOf } from '../../errors.ts'
import type { ReadTx, Store, StoreTx } from '../store.ts'
import { postgresFixture, type TestServer, testServer } from './fixture.ts'

const tables = [
  { number: 1, name: 'tables', sql: 'create table item (id integer primary key, at timestamptz)', additive: true },
]

const sqlOf =
  (tx: ReadTx) =>
  (template: TemplateStringsArray, ...values: unknown[]) =>
    tx.query(template, values)

describe('PostgreSQL store behind a pooler in transaction mode', {
  skip: missing('postgresql') || missingPooler(),
}, () => {
  let server: TestServer
  let pooler: Server

  before(async () => {
    server = await testServer()
    pooler = await startPooler(server.folder, server.port)
  })

  after(async () => {
    await pooler.stop()
    await server.stop()
  })

  for (const prepare of ['unnamed', 'named'] as const)
    test(`several stores share connections, and each finds its own tables and settings (${prepare} statements)`, async () => {
      const fixtures = await Promise.all([1, 2, 3, 4].map(() => postgresFixture(server)))
      const url = new URL(server.url)
      url.port = String(pooler.address.port)
      const stores = await Promise.all(
        fixtures.map((fixture) => fixture.open({ url: url.href, prepare, migrations: tables })),
      )
      let conflicts = 0
      const write = async (store: Store, work: (tx: StoreTx) => Promise<unknown>): Promise<void> => {
        // A pooler that knows nothing of prepared statements is found out so.
        for (let tries = 0; tries < 20; tries++) {
          const failed = await store.write(work).then(
            () => undefined,
            (error: unknown) => error,
          )
          if (failed === undefined) return
          assert.equal(codeOf(failed), 'conflict', String(failed))
          conflicts++
        }
        assert.fail('it never worked')
      }
      const at = new Date(1_291_190_760_123)
      await Promise.all(
        stores.map(async (store, n) => {
          for (let i = 0; i < 30; i++)
            await write(store, async (tx) => {
              await tx.savepoint()
              await sqlOf(tx)`insert into item (id, at) values (${n * 1000 + i}, ${at})`
              await tx.release()
            })
        }),
      )
      for (const [n, store] of stores.entries()) {
        const rows = await store.read((tx) => sqlOf(tx)`select id, at from item order by id`)
        assert.equal(rows.length, 30)
        assert.deepEqual(rows[0], { id: n * 1000, at: '2010-12-01T08:06:00.123Z' })
      }
      if (prepare === 'unnamed') assert.equal(conflicts, 0)
      for (const store of stores) await store.close()
      for (const fixture of fixtures) await fixture.dispose()
    })
})
