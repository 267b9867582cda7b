import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { postgres } from '../../../test/servers/postgres.ts'
import { administer, proxyTo, type TestServer, testServer, type WireProxy } from '../../store/postgres/fixture.ts'
import { pause, systemClock } from '../../time.ts'
import { type House, inHouse, until, upTo } from '../conformance/house.ts'
import { Ear, listener, record } from '../conformance/words.ts'
import { postgresFixture } from './fixture.ts'

const byValue = (a: number, b: number): number => a - b

/** What happens to servers and wires costs no event an attempt, and no effect happens twice or not at all. */
describe('services on PostgreSQL, faults', { skip: missing('postgresql') }, () => {
  let server: TestServer
  let proxy: WireProxy

  before(async () => {
    server = await testServer('FULL')
    proxy = await proxyTo(server)
  })

  after(async () => {
    await proxy.close()
    await server.stop()
  })

  const attempts = new Set<number>()
  const service = () =>
    listener({ order: 'key', retry: { attempts: 1 } }, async (tx, event) => {
      attempts.add(event.attempt)
      await record(tx, event)
      await tx.publish(Ear.heard, event.data)
    })

  /** Two processes at work while `trouble` goes on; then all must be handled and emitted once, in the order of each key. */
  async function underTrouble(trouble: (house: House) => Promise<void>): Promise<void> {
    await inHouse(
      () => postgresFixture(proxy, { durability: 'full' }),
      async (house) => {
        const own = service()
        const outside = await house.open([])
        const apps = [await house.open([own]), await house.open([own])]
        const words = upTo(1200).map((n) => ({ n, key: `key ${n % 20}` }))
        await house.say(outside, words.slice(0, 600))
        await trouble(house)
        await house.say(outside, words.slice(600))
        for (const app of apps) await house.settled(app)
        const handled = await house.effects(own)
        assert.deepEqual(handled.map(({ n }) => n).sort(byValue), upTo(1200))
        for (const k of upTo(20)) {
          const numbers = handled.filter(({ key }) => key === `key ${k - 1}`).map(({ n }) => n)
          assert.deepEqual(numbers, [...numbers].sort(byValue))
        }
        const emitted: number[] = []
        await house.onBus(async (bus) => {
          for (let at = 0, more = true; more; ) {
            const chunk = await bus.read('ear', at, { events: 1000, bytes: 1e7 })
            for (const { record: one } of chunk.events) emitted.push(JSON.parse(one.data).n)
            more = chunk.events.length > 0
            at = chunk.next
          }
        })
        assert.deepEqual(emitted.sort(byValue), upTo(1200))
        assert.deepEqual(await house.dead(own), [])
        assert.deepEqual([...attempts], [1])
      },
    )
  }

  test('connections that break again and again', () =>
    underTrouble(async (house) => {
      for (let times = 0; times < 8; times++) {
        await pause(systemClock, 40)
        proxy.cut()
      }
      await until(() => house.count('paused') > 0, 'nobody noticed')
    }))

  test('backends that an operator ends', () =>
    underTrouble(async (house) => {
      for (let times = 0; times < 5; times++) {
        await pause(systemClock, 40)
        await administer(server.url, (client) =>
          client.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'skerry'"),
        )
      }
      await until(() => house.count('paused') > 0, 'nobody noticed')
    }))

  test('a server that is killed and comes back', () =>
    underTrouble(async (house) => {
      await pause(systemClock, 100)
      await server.process.kill()
      await until(() => house.count('paused') > 0, 'nobody noticed')
      const again = await postgres.start(server.folder, { durability: 'FULL', port: server.port })
      const before = server
      server = { ...before, process: again, stop: () => again.stop().then(before.stop) }
    }))
})
