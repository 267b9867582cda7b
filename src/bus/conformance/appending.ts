import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../errors.ts'
import { seededRandom } from '../../ids.ts'
import { beside, idsOf, type MakeBusFixture, onBus, Publisher, readAll } from './fixture.ts'

/** A batch is accepted once, whole and in its place, or refused with a reason. */
export function appending(make: MakeBusFixture): void {
  test('a batch that is sent again is stored once', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 3)
      await p.send(bus, 0, 1, 3)
      await Promise.all([p.send(bus, 0, 1, 3), p.send(bus, 1, 2, 2)])
      assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(3))
      assert.equal(await bus.producerMark('p'), 3)
    }))

  test('of a batch that overlaps what was accepted, only the rest is stored', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 3)
      await p.send(bus, 1, 2, 4)
      assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(5))
      assert.equal(await bus.producerMark('p'), 5)
    }))

  for (const seed of ['one', 'two', 'three', 'four', 'five'])
    test(`however batches overlap and repeat, each event is stored once and in order (seed ${seed})`, () =>
      onBus(make, async (bus, fixture) => {
        const random = seededRandom(seed)
        const p = new Publisher('p', 's')
        let sent = 0
        await beside(fixture, async (other) => {
          const appends: Promise<void>[] = []
          for (let n = 0; n < 60; n++) {
            const after = Math.floor(random() * (sent + 1))
            const count = 1 + Math.floor(random() * 9)
            appends.push(p.send(random() < 0.5 ? bus : other, after, after + 1, count))
            // Only what was accepted may be sent after: the two ways to the writer are not ordered among each other.
            if (random() < 0.5) await Promise.all(appends.splice(0))
            if (appends.length === 0) sent = await bus.producerMark('p')
          }
          await Promise.all(appends)
        })
        assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(await bus.producerMark('p')))
      }))

  // An engine without an account of producers cannot tell: there the inbox reports what is missing.
  test(
    'a batch after a gap is refused with conflict, and nothing of it is stored',
    { skip: make.handsOut === true },
    () =>
      onBus(make, async (bus) => {
        const p = new Publisher('p', 's')
        await p.append(bus, 2)
        await assert.rejects(p.send(bus, 3, 4, 2), { code: 'conflict' })
        assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(2))
        assert.equal(await bus.producerMark('p'), 2)
        await p.send(bus, 2, 3, 1)
        assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(3))
      }),
  )

  test('numbers may be left out, and stay left out', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 2)
      await p.send(bus, 2, 10, 2)
      assert.equal(await bus.producerMark('p'), 11)
      await p.send(bus, 2, 5, 3)
      assert.deepEqual(idsOf(await readAll(bus, 's')), ['p-1', 'p-2', 'p-10', 'p-11'])
    }))

  test('producers are numbered apart, and one of them may write to several streams', () =>
    onBus(make, async (bus) => {
      const a = new Publisher('a', 's')
      const b = new Publisher('b', 's')
      const c = new Publisher('a', 't')
      await Promise.all([a.append(bus, 2), b.append(bus, 3), c.send(bus, 2, 3, 2)])
      assert.deepEqual(
        [await bus.producerMark('a'), await bus.producerMark('b'), await bus.producerMark('nobody')],
        [4, 3, 0],
      )
      assert.deepEqual(idsOf(await readAll(bus, 't')), ['a-3', 'a-4'])
    }))

  test('a batch that is numbered wrongly is refused', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      await assert.rejects(p.send(bus, 5, 5, 1), { code: 'invalid_config' })
      await assert.rejects(p.send(bus, 0, 1, 0), { code: 'invalid_config' })
      assert.equal(await bus.producerMark('p'), 0)
    }))

  test('a large batch is stored whole', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 3, 400_000)
      assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids())
    }))

  test('a publisher that does not wait is told so in the end, and what was accepted is there without a gap', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      const appends = Array.from({ length: 300 }, () => p.append(bus, 1, 500_000))
      const codes = (await Promise.allSettled(appends)).map((r) =>
        r.status === 'fulfilled' ? 'accepted' : codeOf(r.reason),
      )
      const accepted = codes.filter((c) => c === 'accepted').length
      // After the first that was refused, its successors have a gap before them.
      assert.deepEqual([...new Set(codes.slice(accepted))].filter((c) => c !== 'conflict').slice(0, 1), ['overloaded'])
      assert.equal(await bus.producerMark('p'), accepted)
      await p.send(bus, accepted, accepted + 1, 1)
      assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(accepted + 1))
    }))
}
