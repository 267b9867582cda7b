import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import type { App } from '../../app.ts'
import type { Bus } from '../../bus/bus.ts'
import { type Service, service } from '../../service.ts'
import { administer, type TestServer, testServer } from '../../store/postgres/fixture.ts'
import type { Migration } from '../../store/store.ts'
import { systemClock, VirtualClock } from '../../time.ts'
import { inHouse, until, upTo } from '../conformance/house.ts'
import { interposed } from '../conformance/interposed.ts'
import { Ear, quick, Town, type Tx, type Word } from '../conformance/words.ts'
import { postgresFixture } from './fixture.ts'

/** Room on each page, so that a changed row stays where it is and no index changes. */
const accounts: Migration = {
  number: 1,
  name: 'accounts',
  sql: `create table account (id integer primary key, n bigint not null default 0) with (fillfactor = 40);
    insert into account (id) select generate_series(0, 999)`,
  additive: true,
}

function counting(handle: (tx: Tx, word: Word, attempt: number) => Promise<unknown>): Service<'ear'> {
  const self = service(Ear, { migrations: [accounts] })
  self
    .subscribe('ears', { from: 'start', order: 'key', retry: { ...quick, attempts: 1 } })
    .on(Town.said, async (tx, event) => {
      await handle(tx, event.data, event.attempt)
      await tx.publish(Ear.heard, event.data)
    })
  return self
}

describe('several processes on one PostgreSQL store', { skip: missing('postgresql') }, () => {
  let server: TestServer

  before(async () => {
    server = await testServer()
    // As shipped, a server forgets which rows of a page were read once there are three of them.
    await administer(server.url, async (client) => {
      await client.query('alter system set max_pred_locks_per_page = 1000')
      await client.query('alter system set max_pred_locks_per_relation = 10000')
      await client.query('select pg_reload_conf()')
    })
  })

  after(() => server.stop())

  const words = upTo(1500).map((n): Word => ({ n, key: String((n * 7919) % 1000) }))

  test('handlers that change rows of their own never run again: bookkeeping is in nobody’s way', () =>
    inHouse(
      () => postgresFixture(server),
      async (house) => {
        const own = counting((tx, { key }) => tx.sql`update account set n = n + 1 where id = ${Number(key)}`)
        const first = await house.open([own])
        const second = await house.open([own])
        await house.shared(own, 2)
        await house.say(first, words)
        await house.settled(first)
        await house.settled(second)
        assert.deepEqual(await house.rows(own, 'select sum(n) as n, count(*) as rows from account where n > 0'), [
          { n: 1500, rows: 1000 },
        ])
        assert.equal(house.count('conflict'), 0)
      },
    ))

  test('handlers that change one row all come to an end, each once, uncharged, in as many processes as there are', () =>
    inHouse(
      () => postgresFixture(server),
      async (house) => {
        const attempts = new Set<number>()
        const same = counting(async (tx, _word, attempt) => {
          attempts.add(attempt)
          const [row] = await tx.sql<{ n: number }>`select n from account where id = 7`
          await tx.sql`update account set n = ${(row?.n ?? 0) + 1} where id = 7`
        })
        const first = await house.open([same])
        const second = await house.open([same])
        await house.shared(same, 2)
        await house.say(first, words.slice(0, 400))
        await house.settled(first)
        await house.settled(second)
        assert.deepEqual(await house.rows(same, 'select n from account where id = 7'), [{ n: 400 }])
        assert.ok(house.count('conflict') > 0, 'they were in one another’s way')
        assert.deepEqual([...attempts], [1])
        // A machine that is busy elsewhere may overrun a budget; that is uncharged, too.
        assert.equal(house.count('retried') - house.count('overrun') + house.count('dead'), 0)
      },
    ))

  test('what a process without the relay emits is sent at once, though the bus tells nobody', () =>
    inHouse(
      () => postgresFixture(server),
      async (house) => {
        const clock = new VirtualClock(systemClock.wall())
        const own = counting((tx, { key }) => tx.sql`update account set n = n + 1 where id = ${Number(key)}`)
        const onBus = (bus: Bus): Bus => interposed(bus, { group: undefined } as unknown as Partial<Bus>)
        const apps = [await house.open([own], { clock, onBus }), await house.open([own], { clock, onBus })]
        await house.shared(own, 2, clock)
        // From here on no time passes for them: nobody looks by itself.
        const emitted = async (): Promise<number> =>
          (await house.onBus((bus) => bus.status())).streams.find(({ stream }) => stream === 'ear')?.events ?? 0
        // One after another, each under another key: about half of them concern the process that does not send.
        for (const [i, word] of words.slice(0, 12).entries()) {
          await house.say(apps[0] as App, [word])
          await until(async () => (await emitted()) === i + 1, `number ${i + 1} was not sent`)
        }
      },
    ))
})
