import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { Passage } from '../../../test/servers/passage.ts'
import { postgres } from '../../../test/servers/postgres.ts'
import { until } from '../../bus/conformance/fixture.ts'
import { systemClock } from '../../time.ts'
import type { Store } from '../store.ts'
import { add, administer, ids, postgresFixture, sqlOf, type TestServer, tables, testServer } from './fixture.ts'

describe('PostgreSQL store, silence and memory', { skip: missing('postgresql') }, () => {
  let server: TestServer

  before(async () => {
    server = await testServer()
  })

  after(() => server.stop())

  /** A store behind a passage, with a patience that no test lives to see. */
  async function onPassage(work: (store: Store, passage: Passage, schema: string) => Promise<void>): Promise<void> {
    const passage = await Passage.to(server.port)
    const fixture = await postgresFixture(server)
    const url = `postgres://postgres@127.0.0.1:${passage.port}/postgres`
    const store = await fixture.open({ migrations: [tables], url, answerMs: 3_600_000, quietMs: 100 })
    try {
      await work(store, passage, fixture.schema)
    } finally {
      passage.cut()
      await store.close()
      await fixture.dispose()
      await passage.close()
    }
  }

  test('connections that fell silent are known by what the server does, long before answers are given up', () =>
    onPassage(async (store, passage) => {
      await add(store, 1)
      await ids(store)
      passage.blackHole()
      await assert.rejects(add(store, 2), { code: 'io_error', message: /the server has answered/ })
      await assert.rejects(ids(store), { code: 'io_error' })
      await add(store, 3)
      assert.deepEqual(await ids(store), [1, 3])
    }))

  test('a statement that the server works on is waited for, however often somebody looks', () =>
    onPassage(async (store, passage, schema) => {
      await add(store, 1)
      await administer(server.url, async (client) => {
        await client.query(`begin; update "${schema}".item set n = 7`)
        const [slow, before] = [store.write((tx) => sqlOf(tx)`update item set n = n + 1`), passage.made]
        await until(() => passage.made >= before + 2, 'somebody looked twice')
        await client.query('rollback')
        await slow
      })
      assert.deepEqual(await store.read((tx) => sqlOf(tx)`select n from item`), [{ n: 1 }])
    }))

  test('a server that comes back without what it had confirmed is not worked on: the process would lose events', async () => {
    const own = await testServer('FULL')
    const fixture = await postgresFixture(own)
    const store = await fixture.open({ migrations: [tables], durability: 'full' })
    const [data, kept] = [join(own.folder, 'postgres'), join(own.folder, 'kept')]
    let again: Awaited<ReturnType<typeof postgres.start>> | undefined
    try {
      const startAgain = () => postgres.start(own.folder, { durability: 'FULL', port: own.port })
      await add(store, 1)
      await own.process.stop()
      execFileSync('cp', ['-a', data, kept])
      again = await startAgain()
      await add(store, 2)
      await again.stop()
      execFileSync('rm', ['-r', data])
      execFileSync('cp', ['-a', kept, data])
      again = await startAgain()
      const refused = { code: 'closed', message: /came back without the last 1 commits.*start this process again/ }
      await assert.rejects(add(store, 3), refused)
      await assert.rejects(ids(store), refused)
      const anew = await fixture.open({ migrations: [tables] })
      assert.deepEqual(await ids(anew), [1])
      await anew.close()
    } finally {
      await store.close()
      await again?.stop()
      await own.stop()
    }
  })

  test('who accepts what an engine promises has stores that are synced all the same; who says normal has not', async () => {
    const { openStore } = await import('../../engines.ts')
    const settings: unknown[] = []
    for (const durability of ['full', 'engine', 'normal'] as const) {
      const app = `app_${durability}`
      const store = await openStore('x', { store: server.url, app, durability, clock: systemClock })
      const [row] = await store.write((tx) => tx.all("select current_setting('synchronous_commit') <> 'off' as synced"))
      settings.push(row?.synced)
      await store.close()
    }
    // Though the server of these tests does not sync unless it is told to.
    assert.deepEqual(settings, [1, 1, 0])
  })
})
