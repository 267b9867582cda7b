import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventRecord } from '../../event.ts'
import { encodeFrame } from '../../frame.ts'
import type { Bus } from '../bus.ts'
import {
  beside,
  follow,
  idsOf,
  type MakeBusFixture,
  onBus,
  onFixture,
  Publisher,
  readAll,
  sample,
  sorted,
} from './fixture.ts'

/** What is published arrives: all of it, unchanged, in the order of each publisher, at everybody. */
export function delivery(make: MakeBusFixture): void {
  test('what was published before anybody read arrives with its content intact', () =>
    onBus(make, async (bus) => {
      const records = Array.from({ length: 100 }, (_, n) => colourful(n))
      await bus.append({ stream: 's', producer: 'p', after: 0, first: 1, count: 100, frame: encodeFrame(records) })
      const read = await readAll(bus, 's')
      assert.deepEqual(
        read.map((d) => d.record),
        records,
      )
      assert.ok(read.every((d) => d.stream === 's'))
    }))

  test('5,000 events from 50 publishers reach 50 readers, none is missing', () =>
    onBus(make, async (bus) => {
      const publishers = Array.from({ length: 50 }, (_, n) => new Publisher(`p${n}`, 's'))
      const readers = publishers.map(() => follow(bus, 's', 5000))
      await Promise.all(publishers.map((p) => each(100, () => p.append(bus))))
      const expected = sorted(publishers.flatMap((p) => p.ids()))
      for (const read of await Promise.all(readers)) assert.deepEqual(sorted(idsOf(read)), expected)
    }))

  test('20 streams of 100 events each, in parallel, are each complete and separate', () => {
    const streams = Array.from({ length: 20 }, (_, n) => `s${n}`)
    const separate = async (bus: Bus): Promise<void> => {
      const publishers = streams.map((stream, n) => new Publisher(`p${n}`, stream))
      const readers = streams.map((stream) => follow(bus, stream, 100))
      await Promise.all(publishers.map((p) => each(100, () => p.append(bus))))
      for (const [n, read] of (await Promise.all(readers)).entries())
        assert.deepEqual(idsOf(read), publishers[n]?.ids())
      for (const [n, p] of publishers.entries())
        assert.deepEqual(idsOf(await readAll(bus, streams[n] as string)), p.ids())
    }
    return onBus(make, separate, {}, { streams })
  })

  test('buses opened and closed beside it disturb nobody, and 50 later events arrive', () =>
    onBus(make, async (bus, fixture) => {
      const others = Array.from({ length: 10 }, () => beside(fixture, (other) => readAll(other, 's').then(() => {})))
      const publisher = new Publisher('p', 's')
      await Promise.all([...others, each(50, () => publisher.append(bus))])
      await each(50, () => publisher.append(bus))
      assert.deepEqual(idsOf(await readAll(bus, 's')), publisher.ids(100))
    }))

  test('events of one publisher arrive in the order in which it sent them, at every reader', () =>
    onBus(make, async (bus) => {
      const publishers = Array.from({ length: 16 }, (_, n) => new Publisher(`p${n}`, 's'))
      const readers = Array.from({ length: 10 }, () => follow(bus, 's', 1008))
      // Not awaited one by one: order is that of the calls.
      await Promise.all(publishers.flatMap((p) => Array.from({ length: 63 }, () => p.append(bus))))
      for (const read of await Promise.all(readers))
        for (const p of publishers)
          assert.deepEqual(
            idsOf(read).filter((id) => id.startsWith(`${p.name}-`)),
            p.ids(),
          )
    }))

  test('a newcomer gets what came before it, and what comes after', () =>
    onBus(make, async (bus, fixture) => {
      const publisher = new Publisher('p', 's')
      for (let n = 1; n <= 3; n++) {
        await publisher.append(bus, 20)
        await beside(fixture, async (newcomer) => {
          const reading = follow(newcomer, 's', n * 25)
          await publisher.append(bus, 5)
          assert.deepEqual(idsOf(await reading), publisher.ids(n * 25))
        })
      }
    }))

  test('a reader that closes and comes back goes on where it was, and loses nothing', () =>
    onBus(make, async (bus, fixture) => {
      const publisher = new Publisher('p', 's')
      const publishing = each(100, () => publisher.append(bus, 50))
      const got: string[] = []
      let at = 0
      while (got.length < 5000)
        await beside(fixture, async (reader) => {
          const events = await follow(reader, 's', Math.min(500, 5000 - got.length), at)
          got.push(...idsOf(events))
          at = (events.at(-1)?.position ?? at) + 1
        })
      await publishing
      assert.deepEqual(got, publisher.ids(5000))
    }))

  test('closing right after publishing loses nothing of what was accepted', () =>
    onFixture(make, async (fixture) => {
      const bus = await fixture.open()
      const publishers = Array.from({ length: 20 }, (_, n) => new Publisher(`p${n}`, 's'))
      const publishing = Promise.all(publishers.map((p) => each(50, () => p.append(bus, 10))))
      await publishing
      await bus.close()
      await beside(fixture, async (again) => {
        assert.deepEqual(sorted(idsOf(await readAll(again, 's'))), sorted(publishers.flatMap((p) => p.ids())))
      })
    }))

  test('closing waits for appends that were begun', () =>
    onFixture(make, async (fixture) => {
      const bus = await fixture.open()
      const publisher = new Publisher('p', 's')
      const appends = Array.from({ length: 20 }, () => publisher.append(bus))
      await bus.close()
      await Promise.all(appends)
      await beside(fixture, async (again) => assert.deepEqual(idsOf(await readAll(again, 's')), publisher.ids()))
    }))

  test('a bus that is closed says so, and closing it again is harmless', () =>
    onFixture(make, async (fixture) => {
      const bus = await fixture.open()
      await bus.close()
      await bus.close()
      const uses: (() => Promise<unknown>)[] = [
        () => new Publisher('p', 's').append(bus),
        () => bus.read('s', 0, { events: 1, bytes: 1 }),
        () => bus.readOne('s', 0),
        () => bus.head(),
        () => bus.lineage(),
        () => bus.status(),
        () => bus.producerMark('p'),
        () => bus.register({ subscription: 'a', store: 'b', marks: {} }),
        () => bus.forget('a'),
      ]
      for (const use of uses) await assert.rejects(use, { code: 'closed' })
      bus.acknowledge('a', { s: 1 })
    }))

  test('a watcher hears of what another bus appends, until it stops', () =>
    onBus(make, (bus, fixture) =>
      beside(fixture, async (other) => {
        const publisher = new Publisher('p', 's')
        await hears(bus, () => publisher.append(other))
        await hears(other, () => publisher.append(bus))
        let calls = 0
        bus.watch('s', () => calls++)()
        await hears(bus, () => publisher.append(other))
        assert.equal(calls, 0)
      }),
    ))
}

function hears(bus: Bus, cause: () => Promise<void>): Promise<unknown> {
  const heard = new Promise<void>((resolve) => {
    const stop = bus.watch('s', () => {
      stop()
      resolve()
    })
  })
  return Promise.all([heard, cause()])
}

/** One after another. */
async function each(times: number, action: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < times; n++) await action()
}

const oddTexts = ['', 'plain', 'line\nfeed\r\n', 'naïve ☃ 🪨 \u2028', '"quoted\\"', '\u0000\ud800', '[1,2]\n', ' ']

function colourful(n: number): EventRecord {
  const text = oddTexts[n % oddTexts.length] as string
  return {
    ...sample(`id ${n} ${text}`, { text, n, deep: [{ [text]: null }] }),
    type: `type-${n % 3}`,
    version: 1 + (n % 4),
    key: text,
    time: 1_750_000_000_000 + n,
    due: n % 2 ? 1_750_000_000_000 : 0,
    expires: n % 5 ? 0 : 1_800_000_000_000,
    attributes: n % 3 ? { correlationid: text, retries: n, final: n % 2 === 0 } : undefined,
  }
}
