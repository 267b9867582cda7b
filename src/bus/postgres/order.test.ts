import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pg from 'pg'
import { missing } from '../../../test/servers/needs.ts'
import { postgresForSuite } from '../../../test/servers/suite.ts'
import { encodeFrame } from '../../frame.ts'
import { beside, follow, idsOf, onBus, Publisher, plenty, readAll, sample, until } from '../conformance/fixture.ts'
import { type PostgresFixture, postgresFixture } from './fixture.ts'
import { openPostgresBus } from './open.ts'

describe('the order of positions', { skip: missing('postgresql') }, () => {
  const server = postgresForSuite('NORMAL')
  const make = postgresFixture(server)

  const onClient = async (url: string, work: (client: pg.Client) => Promise<void>): Promise<void> => {
    const client = new pg.Client(url)
    await client.connect()
    try {
      await work(client)
    } finally {
      await client.end()
    }
  }
  const onRaw = (work: (fixture: PostgresFixture, client: pg.Client) => Promise<void>) =>
    make().then((fixture) => onClient(fixture.url, (client) => work(fixture, client)))

  /** The statement of an append, in a transaction that is left open. */
  const appendSlowly = async (client: pg.Client, app: string, id: string): Promise<void> => {
    const frame = Buffer.from(encodeFrame([sample(id)]))
    await client.query('begin')
    await client.query(
      `select "skerry_bus_${app}".append('x', false, 'token', false, 0, 1000000, 1000000, 0, 0,
         array['s'], array[$1], array[0], array[1], array[1], array[$2::int], $3)`,
      [id, frame.length, frame],
    )
  }

  test('an append that commits late is waited for, and seen first: no position appears below one that was readable', () =>
    onRaw(async (fixture, client) => {
      const bus = await fixture.open()
      const p = new Publisher('p', 's')
      await appendSlowly(client, fixture.app, 'late')
      let appended = false
      const append = p.append(bus, 2).then(() => {
        appended = true
      })
      await until(async () => {
        const { rows } = await client.query(`select from pg_locks where not granted`)
        return rows.length > 0
      }, 'the second append waits for the first')
      const before = await bus.read('s', 0, plenty)
      assert.deepEqual([idsOf(before.events), appended, await bus.head()], [[], false, before.next])
      await client.query('commit')
      await append
      assert.deepEqual(idsOf(await readAll(bus, 's', before.next)), ['late', 'p-1', 'p-2'])
      await bus.close()
    }))

  test('an append that is rolled back leaves nothing, and its position goes to the next', () =>
    onRaw(async (fixture, client) => {
      const bus = await fixture.open()
      await appendSlowly(client, fixture.app, 'never')
      await client.query('rollback')
      const head = await bus.head()
      await new Publisher('p', 's').append(bus, 1)
      assert.deepEqual(
        (await readAll(bus, 's')).map(({ record, position }) => [record.id, position]),
        [['p-1', head]],
      )
      await bus.close()
    }))

  test('a reader that nobody tells finds what was appended by looking for itself', () =>
    onRaw(async (fixture, client) => {
      const bus = await fixture.open()
      await client.query(`create or replace function "skerry_bus_${fixture.app}".tell(p_payload text) returns void
        language plpgsql as $f$ begin end $f$`)
      await beside(fixture, async (other) => {
        const reading = follow(bus, 's', 2)
        await new Publisher('p', 's').append(other, 2)
        assert.deepEqual(idsOf(await reading), ['p-1', 'p-2'])
      })
      await bus.close()
    }))

  test('connections that are ended in the middle of everything lose nothing and store nothing twice', () =>
    onBus(make, (bus, fixture) =>
      onClient((fixture as PostgresFixture).url, async (client) => {
        const publishers = Array.from({ length: 10 }, (_, n) => new Publisher(`p${n}`, 's'))
        let published = 0
        const publish = async (p: Publisher): Promise<void> => {
          for (let n = 0; n < 100; n++) {
            await p.append(bus, 2)
            published += 2
          }
        }
        const reading = follow(bus, 's', 2000)
        const publishing = Promise.all(publishers.map(publish))
        let ended = 0
        while (published < 2000) {
          const { rowCount } = await client.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'skerry bus'`,
          )
          ended += rowCount ?? 0
          await until(() => published === 2000 || published % 60 < 20, 'publishing goes on')
          await until(() => published === 2000 || published % 60 >= 20, 'publishing goes on')
        }
        await publishing
        const read = idsOf(await reading)
        for (const p of publishers)
          assert.deepEqual(
            read.filter((id) => id.startsWith(`${p.name}-`)),
            p.ids(),
          )
        assert.equal((await readAll(bus, 's')).length, 2000)
        assert.ok(ended > 10, `${ended} connections were ended`)
      }),
    ))

  test('a database that is replaced by an older copy while the bus is open is noticed, and not written to', () =>
    onClient(`${server.url}/postgres`, async (client) => {
      await client.query('create database original')
      const bus = await openPostgresBus({ url: `${server.url}/original`, app: 'a', connectTimeoutMs: 5000 })
      const p = new Publisher('p', 's')
      await p.append(bus, 2)
      assert.equal((await readAll(bus, 's')).length, 2)
      const withNobody = async (text: string): Promise<void> => {
        await client.query(`alter database original allow_connections false`)
        await client.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'original'`)
        await client.query(text)
        await client.query(`alter database original allow_connections true`)
      }
      await withNobody('create database kept template original')
      await p.append(bus, 2)
      assert.equal((await readAll(bus, 's')).length, 4)
      await client.query('alter database original allow_connections false')
      await client.query('drop database original with (force)')
      await client.query('create database original template kept')
      await assert.rejects(p.append(bus, 1), { code: 'log_changed' })
      await assert.rejects(bus.read('s', 5, plenty), { code: 'log_changed' })
      await bus.close()
      await client.query('drop database original with (force)')
    }))
})
