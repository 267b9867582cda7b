import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import pg from 'pg'
import { missing } from '../../../test/servers/needs.ts'
import { Passage } from '../../../test/servers/passage.ts'
import { asVersion12 } from '../../../test/servers/postgres.ts'
import { postgresForSuite } from '../../../test/servers/suite.ts'
import { messageOf } from '../../errors.ts'
import { idsOf, Publisher, readAll } from '../conformance/fixture.ts'
import { postgresFixture } from './fixture.ts'
import { openPostgresBus } from './open.ts'

test('what can never be opened is refused at once', async () => {
  const url = 'postgres://127.0.0.1:1/x'
  for (const wrong of [{ app: '' }, { app: 'a"b' }, { app: 'x'.repeat(51) }, { app: 'a', maxBytes: 0 }])
    await assert.rejects(openPostgresBus({ url, ...wrong }), { code: 'invalid_config' })
})

test('a server that does not answer is named without its password, with the cause', async () => {
  // A port that was free a moment ago.
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
  const url = `postgres://me:secret@127.0.0.1:${port}/shop?sslmode=disable`
  const error = await openPostgresBus({ url, app: 'a', connectTimeoutMs: 1000 }).catch((e: unknown) => e)
  assert.equal((error as { code?: string }).code, 'unavailable')
  assert.match(messageOf(error), new RegExp(`^postgres://me@127\\.0\\.0\\.1:${port}/shop: .*ECONNREFUSED`))
  assert.doesNotMatch(messageOf(error), /secret/)
})

describe('opening', { skip: missing('postgresql') }, () => {
  const server = postgresForSuite('FULL')
  const make = postgresFixture(server)

  test('a server that is too old is refused, with the version found and needed', async () => {
    const passage = await Passage.to(Number(new URL(server.url).port))
    passage.disguise(asVersion12)
    try {
      const url = `postgres://postgres@127.0.0.1:${passage.port}/postgres`
      await assert.rejects(openPostgresBus({ url, app: 'old' }), {
        code: 'capability_absent',
        message: /^postgres:\/\/.*: PostgreSQL 12\.\d+ .*is too old; the bus needs 13 or newer$/,
      })
    } finally {
      await passage.close()
    }
  })

  const asAdministrator = async (...texts: string[]): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client(`${server.url}/postgres`)
    await client.connect()
    try {
      let rows: Record<string, unknown>[] = []
      for (const text of texts) rows = (await client.query(text)).rows
      return rows
    } finally {
      await client.end()
    }
  }

  test('a database that is not there, or not in UTF-8, and a user without rights are refused with the remedy', async () => {
    await assert.rejects(openPostgresBus({ url: `${server.url}/nowhere`, app: 'a' }), {
      code: 'not_found',
      message: /create the database first/,
    })
    await asAdministrator(
      `create database latin encoding 'LATIN1' locale 'C' template template0`,
      'create role guest login',
    )
    await assert.rejects(openPostgresBus({ url: `${server.url}/latin`, app: 'a' }), {
      code: 'invalid_config',
      message: /LATIN1/,
    })
    const guest = server.url.replace('postgres@', 'guest@')
    await assert.rejects(openPostgresBus({ url: `${guest}/postgres`, app: 'a' }), { code: 'unauthorized' })
  })

  test('ten processes that open a new bus at once make one', async () => {
    const fixture = await make()
    const buses = await Promise.all(Array.from({ length: 10 }, () => fixture.open()))
    const identities = await Promise.all(buses.map(async (bus) => (await bus.lineage()).bus))
    assert.equal(new Set(identities).size, 1)
    for (const bus of buses) await bus.close()
  })

  test('applications in one database do not see one another', async () => {
    const [one, other] = [await make(), await make()]
    const [a, b] = [await one.open(), await other.open()]
    await new Publisher('p', 's').append(a, 3)
    assert.deepEqual(await readAll(b, 's'), [])
    await a.close()
    await b.close()
  })

  test('a bus of a newer version is refused', async () => {
    const fixture = await make()
    await (await fixture.open()).close()
    await asAdministrator(`update "skerry_bus_${fixture.app}".bus set version = 99`)
    await assert.rejects(fixture.open(), { code: 'migration_refused', message: /version 99/ })
  })

  test('synced is claimed where the server syncs, and not where it is told not to', async () => {
    const fixture = await make()
    const durability = async (asked: 'synced' | 'engine'): Promise<string> => {
      const bus = await fixture.open({ durability: asked })
      await bus.close()
      return bus.capabilities.durability
    }
    assert.deepEqual([await durability('synced'), await durability('engine')], ['synced', 'engine'])
    for (const setting of ['fsync', 'full_page_writes']) {
      await asAdministrator(`alter system set ${setting} = off`, 'select pg_reload_conf()')
      assert.equal(await durability('synced'), 'engine')
      await asAdministrator(`alter system reset ${setting}`, 'select pg_reload_conf()')
    }
  })

  test('a server that commits asynchronously by default is told to wait for each append', async () => {
    const fixture = await make()
    await (await fixture.open()).close()
    const said = async (synced: boolean, standing: string): Promise<unknown> => {
      const [row] = await asAdministrator(
        `set synchronous_commit = ${standing}`,
        'begin',
        `select "skerry_bus_${fixture.app}".durably(${synced}, 0)`,
        `select current_setting('synchronous_commit') as setting`,
      )
      return row?.setting
    }
    assert.deepEqual(
      [await said(true, 'off'), await said(true, 'remote_apply'), await said(false, 'on')],
      ['on', 'remote_apply', 'off'],
    )
  })

  test('a direct URL is for messages alone: without one that works nothing is opened', async () => {
    const fixture = await make()
    const bus = await fixture.open({ directUrl: fixture.url })
    await new Publisher('p', 's').append(bus, 2)
    assert.deepEqual(idsOf(await readAll(bus, 's')), ['p-1', 'p-2'])
    await bus.close()
    const directUrl = `${server.url}/nowhere`
    await assert.rejects(fixture.open({ directUrl, connectTimeoutMs: 1000 }), {
      code: 'unavailable',
      message: /"nowhere" does not exist/,
    })
  })
})
