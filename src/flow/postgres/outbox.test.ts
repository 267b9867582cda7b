import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import type { EventRecord } from '../../event.ts'
import { decodeFrame } from '../../frame.ts'
import { seededRandom } from '../../ids.ts'
import { postgresFixture, type TestServer, testServer } from '../../store/postgres/fixture.ts'
import type { Store } from '../../store/store.ts'
import { pause, systemClock } from '../../time.ts'
import { nextOutboxNumber, outboxBacklog, outboxSent, putOutbox, takeOutbox } from '../outbox.ts'

const happened = (id: string): EventRecord => ({
  ...{ id, type: 'happened', version: 1, key: '', time: 0, due: 0, expires: 0, attributes: undefined },
  data: '{}',
})

const emit = (store: Store, id: string, meanwhile: () => Promise<void> = async () => {}): Promise<void> =>
  store.write(async (tx) => {
    assert.equal(await putOutbox(tx, [happened(id)]), 'unnumbered')
    await meanwhile()
  })

describe('outbox on PostgreSQL', { skip: missing('postgresql') }, () => {
  let server: TestServer

  before(async () => {
    server = await testServer()
  })

  after(() => server.stop())

  async function onStores(count: number, work: (...stores: Store[]) => Promise<void>): Promise<void> {
    const fixture = await postgresFixture(server)
    const stores: Store[] = []
    try {
      for (let i = 0; i < count; i++) stores.push(await fixture.open())
      await work(...stores)
    } finally {
      for (const store of stores) await store.close()
      await fixture.dispose()
    }
  }

  /** All frames above `sent`, as a relay takes them: `number:id`. */
  async function taken(store: Store, sent: number): Promise<string[]> {
    const found: string[] = []
    for (;;) {
      const frames = await takeOutbox(store, sent, 3)
      for (const { first, count, frame } of frames) {
        for (const [i, record] of decodeFrame(frame).entries()) found.push(`${first + i}:${record.id}`)
        sent = first + count - 1
      }
      if (frames.length === 0) return found
    }
  }

  test('a frame that is not committed yet is waited for by nobody, and numbered when it is', () =>
    onStores(2, async (ours, theirs) => {
      const [a, b] = [ours as Store, theirs as Store]
      await emit(a, 'slow', async () => {
        await emit(b, 'quick')
        assert.deepEqual(await taken(b, 0), ['1:quick'])
        await emit(b, 'quick again')
      })
      await emit(b, 'after both')
      assert.deepEqual(await taken(b, 1), ['2:slow', '3:quick again', '4:after both'])
    }))

  test('numbers are on disk before anybody sees the frames, and are given once', () =>
    onStores(1, async (only) => {
      const store = only as Store
      await emit(store, 'a')
      await emit(store, 'b')
      assert.equal(await store.read(outboxBacklog), 2)
      assert.equal(await store.read((tx) => outboxSent(tx, 0)), false)
      assert.deepEqual(
        (await takeOutbox(store, 0, 9)).map(({ first }) => first),
        [1, 2],
      )
      assert.equal(await store.read(nextOutboxNumber), 3)
      // As a relay that took them and died.
      assert.deepEqual(
        (await takeOutbox(store, 0, 9)).map(({ first }) => first),
        [1, 2],
      )
      assert.equal(await store.read((tx) => outboxSent(tx, 1)), false)
      assert.equal(await store.read((tx) => outboxSent(tx, 2)), true)
      // What the bus has goes.
      assert.deepEqual(await takeOutbox(store, 2, 9), [])
      assert.equal(await store.read(outboxBacklog), 0)
      await emit(store, 'c')
      assert.deepEqual(await taken(store, 2), ['3:c'])
    }))

  test('a transaction that is undone uses up no number', () =>
    onStores(1, async (only) => {
      const store = only as Store
      await assert.rejects(emit(store, 'a', () => Promise.reject(new Error('no'))))
      await emit(store, 'b')
      assert.deepEqual(await taken(store, 0), ['1:b'])
    }))

  test('of frames of several processes, each comes after all that were committed before its transaction began', () =>
    onStores(4, async (relay, ...writers) => {
      const random = seededRandom('outbox')
      const committed: string[] = []
      const seen = new Map<string, readonly string[]>()
      const writing = writers.map(async (store, w) => {
        for (let i = 0; i < 40; i++) {
          const id = `${w}.${i}`
          seen.set(id, [...committed])
          await emit(store, id, () => pause(systemClock, Math.floor(random() * 3)))
          committed.push(id)
        }
      })
      let done = false
      const all = Promise.all(writing).then(() => {
        done = true
      })
      const order: string[] = []
      while (!done || order.length < 120) {
        for (const entry of await taken(relay as Store, order.length)) order.push(entry)
      }
      await all
      assert.deepEqual(
        order.map((entry) => Number(entry.split(':')[0])),
        Array.from({ length: 120 }, (_, i) => i + 1),
      )
      const place = new Map(order.map((entry, i) => [entry.split(':')[1] as string, i]))
      for (const [id, before] of seen)
        for (const earlier of before)
          assert.ok((place.get(earlier) ?? 999) < (place.get(id) ?? -1), `${earlier} was there before ${id} began`)
    }))
})
