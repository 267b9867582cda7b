import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventRecord } from '../event.ts'
import { decodeFrame } from '../frame.ts'
import { sqliteFixture } from '../store/sqlite/fixture.ts'
import type { Store } from '../store/store.ts'
import { clearOutbox, nextOutboxNumber, type OutboxFrame, outboxBacklog, putOutbox, readOutbox } from './outbox.ts'

const events = (count: number): EventRecord[] =>
  Array.from({ length: count }, (_, n) => ({
    ...{ id: `${n}`, type: 'happened', version: 1, key: '', time: 0, due: 0, expires: 0, attributes: undefined },
    data: '{}',
  }))

async function onStore(work: (store: Store, again: () => Promise<Store>) => Promise<void>): Promise<void> {
  const fixture = await sqliteFixture()
  let store: Store = await fixture.open()
  try {
    await work(store, async () => {
      await store.close()
      store = await fixture.open()
      return store
    })
  } finally {
    await store.close()
    await fixture.dispose()
  }
}

const put = async (store: Store, count: number): Promise<OutboxFrame> => {
  const emitted = await store.write((tx) => putOutbox(tx, events(count)))
  assert.ok(typeof emitted === 'object')
  return emitted
}

test('frames are numbered without gaps, in the order of their commits', () =>
  onStore(async (store) => {
    assert.equal((await put(store, 3)).first, 1)
    assert.equal((await put(store, 1)).first, 4)
    assert.equal((await put(store, 2)).first, 5)
    const frames = await store.read((tx) => readOutbox(tx, 0, 10))
    assert.deepEqual(
      frames.map(({ first, count, frame }) => [first, count, decodeFrame(frame).length]),
      [
        [1, 3, 3],
        [4, 1, 1],
        [5, 2, 2],
      ],
    )
  }))

test('a transaction that is undone uses up no number', () =>
  onStore(async (store) => {
    await put(store, 3)
    await assert.rejects(
      store.write(async (tx) => {
        await putOutbox(tx, events(5))
        throw new Error('no')
      }),
    )
    assert.equal((await put(store, 1)).first, 4)
  }))

test('numbers go on when the outbox was emptied, and when the store was opened again', () =>
  onStore(async (store, again) => {
    await put(store, 3)
    await store.write((tx) => clearOutbox(tx, 3))
    assert.deepEqual(await store.read((tx) => readOutbox(tx, 0, 10)), [])
    const reopened = await again()
    assert.equal(await reopened.read((tx) => nextOutboxNumber(tx)), 4)
    assert.equal((await put(reopened, 1)).first, 4)
  }))

test('a frame of which the bus has a part stays whole; one that it has goes', () =>
  onStore(async (store) => {
    await put(store, 3)
    await put(store, 3)
    await store.write((tx) => clearOutbox(tx, 4))
    const frames = await store.read((tx) => readOutbox(tx, 4, 10))
    assert.deepEqual(
      frames.map((frame) => frame.first),
      [4],
    )
    assert.deepEqual(await store.read((tx) => readOutbox(tx, 6, 10)), [])
  }))

test('the backlog counts events, not frames', () =>
  onStore(async (store) => {
    const backlog = () => store.read((tx) => outboxBacklog(tx))
    assert.equal(await backlog(), 0)
    await put(store, 3)
    await put(store, 4)
    assert.equal(await backlog(), 7)
    await store.write((tx) => clearOutbox(tx, 3))
    assert.equal(await backlog(), 4)
    await store.write((tx) => clearOutbox(tx, 7))
    assert.equal(await backlog(), 0)
  }))
