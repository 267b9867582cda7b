import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Parcel } from '../../bus/bus.ts'
import type { Delivery } from '../../event.ts'
import { encodeFrame } from '../../frame.ts'
import { sqliteFixture } from '../../store/sqlite/fixture.ts'
import type { Store } from '../../store/store.ts'
import { laneOf } from '../lanes.ts'
import { recordOf } from './fixture.ts'
import { readInbox, readInboxOne } from './read.ts'
import { sourcePlaces, takeIn } from './take.ts'

async function onStore(work: (store: Store) => Promise<void>): Promise<void> {
  const fixture = await sqliteFixture()
  const store = await fixture.open()
  try {
    await store.write((tx) =>
      tx.run("insert into skerry_inbox_stream (stream, start) values ('s', 'start'), ('t', 'start')"),
    )
    await work(store)
  } finally {
    await store.close()
    await fixture.dispose()
  }
}

const take = (store: Store, parcels: readonly Parcel[]) => store.write((tx) => takeIn(tx, parcels, 0))

async function all(store: Store, stream = 's', from = 0, events = 100): Promise<Delivery[]> {
  const found: Delivery[] = []
  for (let at = from; ; ) {
    const chunk = await store.read((tx) => readInbox(tx, stream, at, { events, bytes: 1e6 }))
    if (chunk.events.length === 0) return found
    found.push(...chunk.events)
    at = chunk.next
  }
}

const ids = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ record }) => record.id)

function parcel(numbers: readonly number[], given: Partial<Parcel> = {}): Parcel {
  const frame = encodeFrame(numbers.map((n) => recordOf(`${given.producer ?? 'p'}-${n}`, `key ${n % 5}`)))
  return { stream: 's', source: 'q', producer: 'p', numbers, frame, ...given }
}

test('whatever comes again, and however it is cut, by one source: each event is there once, in order', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 6 }), fc.boolean()), { maxLength: 25 }),
      (steps) =>
        onStore(async (store) => {
          let reached = 0
          for (const [back, count, together] of steps) {
            // As far back as it likes, never ahead: a producer goes on only after what was confirmed.
            const first = Math.max(1, reached + 1 - back)
            const numbers = Array.from({ length: count }, (_, i) => first + i)
            const other = parcel(numbers, { producer: 'q' })
            await take(store, together ? [parcel(numbers), other, parcel(numbers)] : [parcel(numbers), other])
            reached = Math.max(reached, first + count - 1)
          }
          for (const name of ['p', 'q'])
            assert.deepEqual(
              ids(await all(store)).filter((id) => id.startsWith(name)),
              Array.from({ length: reached }, (_, i) => `${name}-${i + 1}`),
            )
        }),
    ),
    { numRuns: 40 },
  ))

/** Where each event of a producer is, once a stream is spread over three sources by lane. */
function spread(count: number): { lanes: number[]; sources: number[][] } {
  const lanes = Array.from({ length: count }, (_, i) => laneOf(recordOf('', `key ${(i + 1) % 5}`), 0, true))
  const sources: number[][] = [[], [], []]
  for (let n = 1; n <= count; n++) sources[(lanes[n - 1] as number) % 3]?.push(n)
  return { lanes, sources }
}

test('however several sources interleave and a producer repeats itself: each event is there once, each key in order', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 5 }), fc.nat(6)), { maxLength: 40 }),
      (steps) =>
        onStore(async (store) => {
          const { lanes, sources } = spread(30)
          const at = [0, 0, 0]
          const place = [0, 0, 0]
          const expected: number[] = []
          for (const [source, count, back] of steps) {
            const from = Math.max(0, (at[source] as number) - back)
            const numbers = (sources[source] as number[]).slice(from, from + count)
            if (numbers.length === 0) continue
            expected.push(...numbers.filter((n) => !expected.includes(n)))
            at[source] = Math.max(at[source] as number, from + numbers.length)
            const offsets = { from: place[source] as number, to: (place[source] as number) + 1 }
            place[source] = offsets.to
            const given = { source: `s/${source}`, offsets, lanes: numbers.map((n) => lanes[n - 1] as number) }
            await take(store, [parcel(numbers, given)])
          }
          assert.deepEqual(
            ids(await all(store)),
            expected.map((n) => `p-${n}`),
          )
        }),
    ),
    { numRuns: 40 },
  ))

test('whoever lost a source writes nothing, and learns where it is', () =>
  onStore(async (store) => {
    const offsets = (from: number, to: number) => ({ source: 's/0', offsets: { from, to }, lanes: [0] })
    await take(store, [parcel([1], offsets(0, 10)), parcel([2], offsets(10, 20))])
    await assert.rejects(take(store, [parcel([3], offsets(10, 21))]), { code: 'fenced', message: /at 20/ })
    await assert.rejects(take(store, [parcel([3], offsets(20, 21)), parcel([4], offsets(22, 23))]), { code: 'fenced' })
    assert.deepEqual(ids(await all(store)), ['p-1', 'p-2'])
    assert.deepEqual(await store.read((tx) => sourcePlaces(tx, ['s/0', 's/1'])), { 's/0': 20, 's/1': 0 })
    await take(store, [parcel([3], offsets(20, 21))])
    assert.equal((await all(store)).length, 3)
  }))

test('reading goes from any position, in any steps, by stream', () =>
  onStore(async (store) => {
    for (let n = 1; n < 200; n += 4) {
      await take(store, [parcel([n, n + 1, n + 2, n + 3]), parcel([n], { stream: 't', producer: 't' })])
    }
    const whole = await all(store)
    assert.equal(whole.length, 200)
    assert.equal((await all(store, 't')).length, 50)
    for (const from of [0, 1, 2, 3, 77, 100, 251, 400]) {
      const expected = ids(whole.filter(({ position }) => position >= from))
      for (const step of [1, 3, 64]) assert.deepEqual(ids(await all(store, 's', from, step)), expected)
    }
    const some = whole[33] as Delivery
    assert.deepEqual(await store.read((tx) => readInboxOne(tx, 's', some.position)), some)
    assert.equal(await store.read((tx) => readInboxOne(tx, 't', some.position)), undefined)
  }))

test('a stream that nobody asked for is passed over', () =>
  onStore(async (store) => {
    const { streams } = await take(store, [parcel([1], { stream: 'other' }), parcel([1])])
    assert.deepEqual([...streams], ['s'])
    assert.deepEqual(await all(store, 'other'), [])
  }))
