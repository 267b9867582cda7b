import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pg from 'pg'
import { missing } from '../../../test/servers/needs.ts'
import { postgresForSuite } from '../../../test/servers/suite.ts'
import { encodeFrame } from '../../frame.ts'
import { beside, follow, idsOf, Publisher, plenty, readAll, sample, until, within } from '../conformance/fixture.ts'
import { type PostgresFixture, postgresFixture } from './fixture.ts'
import { appendWithin } from './within.ts'

const frameOf = (...ids: string[]) => encodeFrame(ids.map((id) => sample(id)))

describe('appending within a transaction of the caller', { skip: missing('postgresql') }, () => {
  const make = postgresFixture(postgresForSuite('NORMAL'))

  /** Two connections of the caller, beside a bus that is open. */
  const onClients = async (work: (fixture: PostgresFixture, a: pg.Client, b: pg.Client) => Promise<void>) => {
    const fixture = await make()
    const clients = [new pg.Client(fixture.url), new pg.Client(fixture.url)] as const
    for (const client of clients) await client.connect()
    try {
      await work(fixture, ...clients)
    } finally {
      for (const client of clients) await client.end()
    }
  }

  test('what is committed is on the bus once, what is rolled back never', () =>
    onClients(async (fixture, a, b) => {
      const { app } = fixture
      const bus = await fixture.open()
      await a.query('begin')
      await appendWithin(a, { app, stream: 's', frame: frameOf('one', 'two') })
      await appendWithin(a, { app, stream: 's', frame: frameOf('three') })
      await b.query('begin')
      await appendWithin(b, { app, stream: 's', frame: frameOf('never') })
      await b.query('rollback')
      assert.deepEqual(await readAll(bus, 's'), [], 'before the commit there is nothing')
      await a.query('commit')
      assert.deepEqual(idsOf(await follow(bus, 's', 3)), ['one', 'two', 'three'])
      assert.equal((await bus.status()).streams[0]?.events, 3)
      await bus.close()
    }))

  test('a transaction that commits late is skipped by no reader, and holds up nobody', () =>
    onClients(async (fixture, a, b) => {
      const { app } = fixture
      const bus = await fixture.open()
      const p = new Publisher('p', 's')
      await a.query('begin')
      await appendWithin(a, { app, stream: 's', frame: frameOf('late') })
      await b.query('begin')
      await appendWithin(b, { app, stream: 's', frame: frameOf('early') })
      await b.query('commit')
      await within(p.append(bus, 2), 'a publisher beside the open transaction')
      const before = await follow(bus, 's', 3)
      assert.deepEqual(idsOf(before).sort(), ['early', 'p-1', 'p-2'])
      const { next } = await bus.read('s', (before.at(-1)?.position ?? 0) + 1, plenty)
      await a.query('commit')
      assert.deepEqual(idsOf(await follow(bus, 's', 1, next)), ['late'])
      await bus.close()
    }))

  test('while no process has the bus open it waits, and the next one collects it', () =>
    onClients(async (fixture, a) => {
      await (await fixture.open()).close()
      await appendWithin(a, { app: fixture.app, stream: 's', frame: frameOf('one') })
      await beside(fixture, async (bus) => assert.deepEqual(idsOf(await follow(bus, 's', 1)), ['one']))
    }))

  test('should its message be lost, it is found by looking', () =>
    onClients(async (fixture, a) => {
      const { app } = fixture
      const bus = await fixture.open()
      await a.query(`create or replace function "skerry_bus_${app}".tell(p_payload text) returns void
        language plpgsql as $f$ begin end $f$`)
      await appendWithin(a, { app, stream: 's', frame: frameOf('one') })
      assert.deepEqual(idsOf(await follow(bus, 's', 1)), ['one'])
      await bus.close()
    }))

  test('many at once, collected by several processes: each once, those of one connection in order', () =>
    onClients(async (fixture, a, b) => {
      const { app } = fixture
      const bus = await fixture.open()
      await beside(fixture, async (other) => {
        const ids = (name: string) => Array.from({ length: 300 }, (_, n) => `${name}-${n}`)
        const each = async (client: pg.Client, name: string) => {
          for (const id of ids(name)) await appendWithin(client, { app, stream: 's', frame: frameOf(id) })
        }
        await Promise.all([each(a, 'a'), each(b, 'b')])
        const read = idsOf(await follow(other, 's', 600))
        assert.deepEqual(
          read.filter((id) => id.startsWith('a')),
          ids('a'),
        )
        assert.deepEqual(
          read.filter((id) => id.startsWith('b')),
          ids('b'),
        )
        assert.equal((await readAll(bus, 's')).length, 600)
      })
      await bus.close()
    }))

  test('without room it is refused with overloaded, and the transaction can go on', () =>
    onClients(async (fixture, a) => {
      const { app } = fixture
      const bus = await fixture.open({ maxBytes: 2000 })
      await new Publisher('p', 's').append(bus, 1, 1000)
      await a.query('begin')
      const large = encodeFrame([sample('large', 'x'.repeat(1000))])
      await assert.rejects(appendWithin(a, { app, stream: 's', frame: large }), { code: 'overloaded' })
      await appendWithin(a, { app, stream: 's', frame: frameOf('small') })
      await a.query('commit')
      await until(async () => (await readAll(bus, 's')).length === 2, 'the small one arrives')
      await bus.close()
    }))

  test('a bus that is not there, and what is no frame, are refused by name', () =>
    onClients(async (_fixture, a) => {
      const frame = frameOf('one')
      await assert.rejects(appendWithin(a, { app: 'nobody', stream: 's', frame }), {
        code: 'not_found',
        message: /skerry_bus_nobody/,
      })
      await assert.rejects(appendWithin(a, { app: 'nobody', stream: 's', frame: '{}' }), { code: 'invalid_event' })
    }))
})
