import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import type { PairSums } from '../../independence/measure/fold.ts'
import { primaryKeys } from '../../independence/measure/keys.ts'
import { foldOldestHour, readSums } from '../../independence/measure/records.ts'
import { service } from '../../service.ts'
import { type TestServer, testServer } from '../../store/postgres/fixture.ts'
import { systemClock } from '../../time.ts'
import { inHouse, until, upTo } from '../conformance/house.ts'
import { Ear, quick, Town, type Word } from '../conformance/words.ts'
import { postgresFixture } from './fixture.ts'

const tables = {
  number: 1,
  name: 'tables',
  sql: `create table total (id integer primary key, n bigint not null);
    create table line ("Order" text, sku text, n int, primary key (sku, "Order"));
    create table log (text text);
    insert into total values (1, 0)`,
  additive: true,
}

describe('measuring on PostgreSQL', { skip: missing('postgresql') }, () => {
  let server: TestServer
  before(async () => {
    server = await testServer()
  })
  after(() => server.stop())

  test('counts who runs again beside whom, and knows rows by their keys', () =>
    inHouse(
      () => postgresFixture(server),
      async (house) => {
        const ear = service(Ear, { migrations: [tables] })
        const add = { from: 'start', order: 'key', retry: quick } as const
        for (const name of ['left', 'right'])
          ear.subscribe(name, add).on(Town.said, async (tx) => {
            await tx.sql`update total set n = n + 1 where id = ${1}`
          })
        const apps = [await house.open([ear], { measure: 1 }), await house.open([ear], { measure: 1 })]
        await house.shared(ear, 2)
        const words = upTo(500).map((n): Word => ({ n, key: String(n) }))
        for (const app of apps) await house.say(app, words)
        await until(async () => house.facts.some(({ kind }) => kind === 'conflict'), 'nothing ran again')
        for (const app of apps) await house.settled(app)
        for (const app of apps) await house.stop(app)

        const keys = await house.onStore(ear, (store) => store.read(primaryKeys))
        assert.deepEqual(Object.fromEntries(keys), { line: ['sku', 'order'], total: ['id'] })
        const sums = await house.onStore(ear, (store) => store.read(readSums))
        const both = sums.find(({ a, b }) => a !== b) as PairSums
        assert.deepEqual([both.a, both.b], ['left/town.said', 'right/town.said'])
        assert.deepEqual([both.conflicts.rows, both.conflicts.possible], [both.conflicts.windows, 0])
        assert.ok(
          sums.some(({ conflicts }) => conflicts.reruns > 0),
          JSON.stringify(sums.map((s) => s.conflicts)),
        )

        const later = systemClock.wall() + 2 * 3_600_000
        const fold = () => house.onStore(ear, (store) => store.write((tx) => foldOldestHour(tx, later), 'bookkeeping'))
        while (await fold());
        assert.deepEqual(await house.rows(ear, 'select * from skerry_measured'), [])
        assert.deepEqual(await house.onStore(ear, (store) => store.read(readSums)), sums)
      },
    ))
})
