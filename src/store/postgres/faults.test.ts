import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { Passage } from '../../../test/servers/passage.ts'
import { asVersion12, postgres } from '../../../test/servers/postgres.ts'
import { codeOf } from '../../errors.ts'
import { systemClock } from '../../time.ts'
import type { Store, StoreTx } from '../store.ts'
import {
  add,
  administer,
  ids,
  postgresFixture,
  proxyTo,
  sqlOf,
  type TestServer,
  tables,
  testServer,
  type WireProxy,
} from './fixture.ts'
import { openPostgresStore, type PostgresStoreOptions } from './open.ts'

describe('PostgreSQL store, faults', { skip: missing('postgresql') }, () => {
  let server: TestServer

  before(async () => {
    server = await testServer()
  })

  after(() => server.stop())

  /** A store behind a proxy. */
  async function onProxy(
    work: (store: Store, proxy: WireProxy, schema: string) => Promise<void>,
    options: Partial<PostgresStoreOptions> = {},
  ): Promise<void> {
    const proxy = await proxyTo(server)
    const fixture = await postgresFixture(server)
    const store = await fixture.open({ migrations: [tables], url: proxy.url, ...options })
    try {
      await work(store, proxy, fixture.schema)
    } finally {
      await store.close()
      await fixture.dispose()
      await proxy.close()
    }
  }

  test('a server that is too old is refused, with the version found and needed, before anything is made there', async () => {
    const passage = await Passage.to(server.port)
    passage.disguise(asVersion12)
    try {
      const url = `postgres://postgres@127.0.0.1:${passage.port}/postgres`
      await assert.rejects(openPostgresStore({ url, service: 'old', clock: systemClock }), {
        code: 'capability_absent',
        message:
          /^postgres:\/\/127\.0\.0\.1:\d+\/postgres \(schema skerry_old\): PostgreSQL 12\.\d+ is too old; 13 or later is needed$/,
      })
      const made = "select 1 from pg_namespace where nspname = 'skerry_old'"
      assert.deepEqual((await administer(server.url, (client) => client.query(made))).rows, [])
    } finally {
      await passage.close()
    }
  })

  test('a connection that breaks within a transaction ends all of it, is nobody’s fault, and is made again', () =>
    onProxy(async (store, proxy) => {
      let alive: boolean | undefined
      const write = store.write(async (tx) => {
        await tx.savepoint()
        await sqlOf(tx)`insert into item (id) values (1)`
        proxy.cut()
        await sqlOf(tx)`insert into item (id) values (2)`.catch(() => undefined)
        alive = tx.alive
        await assert.rejects(tx.rollback(), { code: 'io_error' })
      })
      await assert.rejects(write, { code: 'io_error', message: /127\.0\.0\.1/ })
      assert.equal(alive, false)
      await add(store, 3)
      assert.deepEqual(await ids(store), [3])
    }))

  test('a backend that an operator ends is nobody’s fault', () =>
    onProxy(async (store) => {
      const write = store.write(async (tx) => {
        const [row] = await tx.all<{ pid: number }>('select pg_backend_pid() as pid')
        await administer(server.url, (client) => client.query('select pg_terminate_backend($1)', [row?.pid]))
        await sqlOf(tx)`insert into item (id) values (1)`
      })
      await assert.rejects(write, { code: 'io_error' })
      await add(store, 2)
      assert.deepEqual(await ids(store), [2])
    }))

  test('a commit whose answer is lost says that nobody knows; what it did is there', () =>
    onProxy(
      async (store, proxy) => {
        await add(store, 1)
        const write = store.write(async (tx) => {
          await sqlOf(tx)`insert into item (id) values (2)`
          proxy.loseAnswerTo('commit')
        })
        await assert.rejects(write, { code: 'outcome_unknown', message: /may have happened/ })
        // The server is done with it when nobody else may be at work.
        await store.write(async (tx) => void (await tx.all('select 1 as one')), 'alone')
        assert.deepEqual(await ids(store), [1, 2])
      },
      { prepare: 'unnamed' },
    ))

  test('a wire that goes silent is given up after a while', () =>
    onProxy(
      async (store, proxy) => {
        await add(store, 1)
        const write = store.write(async (tx) => {
          await sqlOf(tx)`insert into item (id) values (2)`
          proxy.stall()
          await sqlOf(tx)`insert into item (id) values (3)`
        })
        await assert.rejects(write, { code: 'io_error', message: /no answer for 300 ms/ })
        proxy.flow()
        proxy.cut()
        await add(store, 4)
        assert.deepEqual(await ids(store), [1, 4])
      },
      { answerMs: 300, busyMs: 100 },
    ))

  test('a server that is killed and comes back is gone on with', async () => {
    const own = await testServer('FULL')
    const fixture = await postgresFixture(own)
    const store = await fixture.open({ migrations: [tables], durability: 'full' })
    let again: Awaited<ReturnType<typeof postgres.start>> | undefined
    try {
      let last = 1
      await add(store, last)
      await own.process.kill()
      // A backend may live some moments longer than its server.
      const goOn = async (): Promise<never> => {
        for (;;) await add(store, ++last)
      }
      await assert.rejects(goOn, { code: 'io_error' })
      await assert.rejects(ids(store), { code: 'io_error' })
      again = await postgres.start(own.folder, { durability: 'FULL', port: own.port })
      await add(store, last + 1)
      assert.deepEqual((await ids(store)).at(-1), last + 1)
    } finally {
      await store.close()
      await again?.stop()
      await own.stop()
    }
  })

  test('others are told by a signal, and again after its connection broke', () =>
    onProxy(async (_store, proxy, schema) => {
      const open = (url: string) =>
        openPostgresStore({ url: server.url, directUrl: url, schema, service: 'x', clock: systemClock })
      const [ours, theirs] = [await open(server.url), await open(proxy.url)]
      let heard = Promise.withResolvers<void>()
      let ownEcho = 0
      theirs.signal?.watch(() => heard.resolve())
      const told = async (): Promise<void> => {
        heard = Promise.withResolvers<void>()
        ours.signal?.send()
        await heard.promise
      }
      // The first of all may come before it listens; that it began to listen is told, too.
      await told()
      ours.signal?.watch(() => ownEcho++)
      await told()
      const before = ownEcho
      await told()
      assert.equal(ownEcho, before, 'nobody is told of what it said itself')
      proxy.cut()
      // As soon as it listens again; what was said in between may have been missed.
      heard = Promise.withResolvers<void>()
      await heard.promise
      await told()
      await ours.close()
      await theirs.close()
    }))

  test('two that each change what the other has read: one is asked to run again', () =>
    onProxy(async (store, _proxy, schema) => {
      await add(store, 1)
      await add(store, 2)
      const other = await openPostgresStore({ url: server.url, schema, service: 'x', clock: systemClock })
      const both = Promise.withResolvers<void>()
      let read = 0
      const change = (one: Store, id: number) =>
        one.write(async (tx) => {
          await sqlOf(tx)`select sum(n) as n from item`
          if (++read === 2) both.resolve()
          await both.promise
          await sqlOf(tx)`update item set n = n + 1 where id = ${id}`
        })
      const ends = await Promise.allSettled([change(store, 1), change(other, 2)])
      assert.deepEqual(ends.map((end) => (end.status === 'rejected' ? codeOf(end.reason) : 'done')).sort(), [
        'conflict',
        'done',
      ])
      await other.close()
    }))

  test('two that wait for one another: one is asked to run again, whatever its handler makes of it', () =>
    onProxy(async (store, _proxy, schema) => {
      await add(store, 1)
      await add(store, 2)
      const other = await openPostgresStore({
        url: server.url,
        schema,
        service: 'x',
        clock: systemClock,
        busyMs: 20_000,
      })
      const both = Promise.withResolvers<void>()
      let holding = 0
      const change = (one: Store, first: number, second: number) =>
        one.write(async (tx: StoreTx) => {
          await tx.savepoint()
          await sqlOf(tx)`update item set n = n + 1 where id = ${first}`
          if (++holding === 2) both.resolve()
          await both.promise
          await sqlOf(tx)`update item set n = n + 1 where id = ${second}`.catch(() => {
            throw new Error('my own')
          })
          await tx.release()
        })
      const ends = await Promise.allSettled([change(store, 1, 2), change(other, 2, 1)])
      assert.deepEqual(ends.map((end) => (end.status === 'rejected' ? codeOf(end.reason) : 'done')).sort(), [
        'conflict',
        'done',
      ])
      await other.close()
    }))

  test('a row that somebody holds for longer than the patience is store_busy', () =>
    onProxy(
      async (store, _proxy, schema) => {
        await add(store, 1)
        await administer(server.url, async (client) => {
          await client.query(`begin; update "${schema}".item set n = 7`)
          await assert.rejects(
            store.write((tx) => sqlOf(tx)`update item set n = 8`),
            { code: 'store_busy' },
          )
          await client.query('rollback')
        })
        await store.write((tx) => sqlOf(tx)`update item set n = 9`)
      },
      { busyMs: 50 },
    ))

  test('a transaction that rests for too long is ended by the server, and nobody waits for it any longer', () =>
    onProxy(
      async (store, _proxy, schema) => {
        await add(store, 1)
        const write = store.write(async (tx) => {
          await sqlOf(tx)`update item set n = 1`
          await administer(server.url, async (client) => {
            // Waits for the row, which comes free when the server has had enough.
            await client.query(`update "${schema}".item set n = 2`)
          })
          await sqlOf(tx)`update item set n = 3`
        })
        await assert.rejects(write, { code: 'io_error' })
        assert.deepEqual(await store.read((tx) => sqlOf(tx)`select n from item`), [{ n: 2 }])
      },
      { idleMs: 100 },
    ))

  test('tables that change under prepared statements make a transaction run again, not fail', () =>
    onProxy(async (store, _proxy, schema) => {
      const look = () => store.write((tx) => sqlOf(tx)`select * from item`)
      for (let i = 0; i < 7; i++) await look()
      await administer(server.url, (client) => client.query(`alter table "${schema}".item add column more text`))
      await assert.rejects(look(), { code: 'conflict' })
      assert.deepEqual(await look(), [])
    }))

  test('rights that were taken away are nobody’s fault, and come back', () =>
    onProxy(async (store, _proxy, schema) => {
      await administer(server.url, async (client) => {
        await client.query(`create role visitor login; grant usage on schema "${schema}" to visitor;
          grant all on all tables in schema "${schema}" to visitor; grant all on all sequences in schema "${schema}" to visitor`)
        const url = new URL(server.url)
        url.username = 'visitor'
        const visitor = await openPostgresStore({ url: url.href, schema, service: 'x', clock: systemClock })
        await add(visitor, 1)
        await client.query(`revoke insert on "${schema}".item from visitor`)
        await assert.rejects(add(visitor, 2), { code: 'io_error' })
        await client.query(`grant insert on "${schema}".item to visitor`)
        await add(visitor, 3)
        assert.deepEqual(await ids(store), [1, 3])
        await visitor.close()
        await client.query(`drop owned by visitor; drop role visitor`)
      })
    }))

  test('what cannot be opened says where and why, and never the password', async () => {
    const opening = (url: string) =>
      openPostgresStore({ url, service: 'x', clock: systemClock, connectMs: 2000 }).then(
        () => assert.fail('it opened'),
        (error: unknown) => error as Error & { code: string },
      )
    const { port } = new URL(server.url)
    await administer(server.url, (client) => client.query(`create role locked nologin`))
    const refused: Record<string, string> = {
      [`postgres://locked:s3cret@127.0.0.1:${port}/postgres`]: 'unauthorized',
      [`postgres://postgres:s3cret@127.0.0.1:${port}/nowhere`]: 'invalid_config',
      'postgres://postgres:s3cret@127.0.0.1:1/postgres': 'unavailable',
      'mysql://root:s3cret@127.0.0.1/db': 'invalid_config',
      'not a url with s3cret': 'invalid_config',
    }
    for (const [url, code] of Object.entries(refused)) {
      const error = await opening(url)
      assert.equal(error.code, code, url)
      assert.doesNotMatch(JSON.stringify([error.message, (error.cause as Error | undefined)?.message]), /s3cret/)
      if (url.startsWith('postgres')) assert.match(error.message, /127\.0\.0\.1/)
    }
  })
})
