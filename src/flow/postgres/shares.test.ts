import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { randomIdentity } from '../../ids.ts'
import { postgresFixture, type TestServer, testServer } from '../../store/postgres/fixture.ts'
import type { Store } from '../../store/store.ts'
import { systemClock } from '../../time.ts'
import { LeaseTime } from '../leases.ts'
import { claim, foundShares, holds, type Who } from '../shares.ts'

describe('shares on PostgreSQL', { skip: missing('postgresql') }, () => {
  let server: TestServer

  before(async () => {
    server = await testServer()
  })

  after(() => server.stop())

  async function onStores(work: (ours: Store, theirs: Store) => Promise<void>): Promise<void> {
    const fixture = await postgresFixture(server)
    const stores = [await fixture.open(), await fixture.open({ busyMs: 200 })] as const
    try {
      await stores[0].write((tx) => foundShares(tx, 's', { town: 0 }), 'bookkeeping')
      await work(...stores)
    } finally {
      for (const store of stores) await store.close()
      await fixture.dispose()
    }
  }

  async function who(store: Store, me: string, later = 0): Promise<Who> {
    const time = new LeaseTime(store, systemClock)
    await time.look()
    return { me, members: [me], now: time.now() + later, leaseMs: 5000, oneMachine: time.oneMachine }
  }

  const all = [{ from: 0, to: 64 }]
  const take = async (store: Store, as: Who) =>
    (await store.write((tx) => claim(tx, 's', all, as, randomIdentity), 'bookkeeping'))[0]

  test('a lease that a process of another machine keeps is respected, and taken once it is over', () =>
    onStores(async (ours, theirs) => {
      const here = await who(ours, 'bootaaaa.1.x')
      assert.equal(here.oneMachine, false)
      assert.ok(await take(ours, here))
      // Both are members.
      const there = { ...(await who(theirs, 'bootbbbb.1.y')), members: ['bootaaaa.1.x', 'bootbbbb.1.y'] }
      assert.ok(Math.abs(there.now - here.now) < 3000, 'both go by the clock of the server')
      assert.equal(await take(theirs, there), undefined)
      const part = await take(theirs, { ...there, now: there.now + 6000 })
      assert.deepEqual(part?.lanes, { from: 32, to: 64 })
    }))

  test('a share whose owner was stopped within a transaction is left alone; nobody waits for it', () =>
    onStores(async (ours, theirs) => {
      const mine = await take(ours, await who(ours, 'bootaaaa.1.x'))
      assert.ok(mine)
      const later = await who(theirs, 'bootaaaa.2.y', 60_000)
      await ours.write(async (tx) => {
        assert.equal(await holds(tx, 's', mine.lanes, mine.token), true)
        assert.equal(await take(theirs, later), undefined)
      })
      assert.ok(await take(theirs, later))
    }))

  test('a commit under a share that was taken meanwhile cannot be', () =>
    onStores(async (ours, theirs) => {
      const mine = await take(ours, await who(ours, 'bootaaaa.1.x'))
      assert.ok(mine)
      const late = ours.write(async (tx) => {
        // The snapshot is from before.
        await tx.all('select 1 as one from skerry_meta')
        assert.ok(await take(theirs, await who(theirs, 'bootaaaa.2.y', 60_000)))
        await holds(tx, 's', mine.lanes, mine.token)
      })
      await assert.rejects(late, { code: 'conflict' })
      assert.equal(await ours.write((tx) => holds(tx, 's', mine.lanes, mine.token)), false)
    }))
})
