import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { idsOf, type MakeBusFixture, onBus, Publisher, readAll } from './fixture.ts'

/** Reading: from anywhere, as much as asked for, and never past what may still appear. */
export function reading(make: MakeBusFixture): void {
  test('a stream that nobody wrote to is empty', () =>
    onBus(make, async (bus) => {
      const { events, next } = await bus.read('s', 0, { events: 10, bytes: 1000 })
      assert.deepEqual(events, [])
      assert.ok(next >= 0)
      assert.equal(await bus.readOne('s', 0), undefined)
    }))

  test('reading respects a credit of events and one of bytes, but always gives one event', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 10, 1000)
      const few = await bus.read('s', 0, { events: 3, bytes: 1_000_000 })
      assert.deepEqual(idsOf(few.events), p.ids(3))
      const small = await bus.read('s', few.next, { events: 100, bytes: 2500 })
      assert.ok(small.events.length >= 1 && small.events.length <= 2, `${small.events.length} events of 1,000 bytes`)
      assert.equal((await bus.read('s', small.next, { events: 100, bytes: 1 })).events.length, 1)
    }))

  test('from any position, in whatever steps, reading gives exactly the rest, in order', () =>
    onBus(make, async (bus) => {
      const random = seededRandom('steps')
      const p = new Publisher('p', 's')
      const noise = new Publisher('noise', 'other')
      for (let n = 0; n < 30; n++) {
        await p.append(bus, 1 + Math.floor(random() * 12))
        if (random() < 0.5) await noise.append(bus, 1 + Math.floor(random() * 5))
      }
      const all = await readAll(bus, 's')
      assert.deepEqual(idsOf(all), p.ids())
      assert.ok(all.every((d, n) => n === 0 || d.position > (all[n - 1]?.position ?? 0)))
      const end = await bus.head()
      for (let n = 0; n < 100; n++) {
        const from = Math.floor(random() * (end + 2))
        const credit = { events: 1 + Math.floor(random() * 40), bytes: 200 + Math.floor(random() * 10_000) }
        const expected = all.filter((d) => d.position >= from)
        assert.deepEqual(idsOf(await readAll(bus, 's', from, credit)), idsOf(expected), `from ${from}`)
      }
    }))

  test('a reader at the end waits at a place that skips nothing', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      const noise = new Publisher('noise', 'other')
      await noise.append(bus, 5)
      let at = (await bus.read('s', 0, { events: 10, bytes: 1000 })).next
      const got: string[] = []
      for (let n = 0; n < 5; n++) {
        await noise.append(bus, 2)
        await p.append(bus, 2)
        const chunk = await bus.read('s', at, { events: 10, bytes: 100_000 })
        got.push(...idsOf(chunk.events))
        at = (await bus.read('s', chunk.next, { events: 10, bytes: 1000 })).next
      }
      assert.deepEqual(got, p.ids())
    }))

  test('a reader behind a place that another one has read on to finds what comes after that', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      const noise = new Publisher('noise', 'other')
      const credit = { events: 10, bytes: 100_000 }
      await noise.append(bus, 2)
      const behind = (await bus.read('s', 0, credit)).next
      await noise.append(bus, 2)
      await bus.read('s', behind, credit)
      await p.append(bus, 2)
      assert.deepEqual(idsOf((await bus.read('s', behind, credit)).events), p.ids())
    }))

  test('everything below the head can be read when the head is told', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      let done = false
      const publishing = (async () => {
        for (let n = 0; n < 200; n++) await p.append(bus, 3)
        done = true
      })()
      let seen = 0
      while (!done) {
        const head = await bus.head()
        const below = (await readAll(bus, 's')).filter((d) => d.position < head).length
        assert.ok(below >= seen)
        seen = below
        const positions = (await readAll(bus, 's')).map((d) => d.position)
        assert.equal(positions.filter((position) => position < head).length, below, 'nothing appears below the head')
      }
      await publishing
    }))

  test('one event is found at its position, and nowhere else', () =>
    onBus(make, async (bus) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 5)
      const all = await readAll(bus, 's')
      for (const event of all) assert.deepEqual(await bus.readOne('s', event.position), event)
      assert.equal(await bus.readOne('s', (all.at(-1)?.position ?? 0) + 1), undefined)
      assert.equal(await bus.readOne('other', all[0]?.position ?? 0), undefined)
    }))

  test('the status counts what each stream holds', () =>
    onBus(make, async (bus) => {
      await new Publisher('p', 's').append(bus, 7, 100)
      await new Publisher('q', 't').append(bus, 2)
      await new Publisher('r', 's').append(bus, 3)
      const status = await bus.status()
      assert.equal(status.engine, bus.engine)
      assert.equal(status.head, await bus.head())
      assert.deepEqual(
        status.streams.map((s) => [s.stream, s.events]),
        [
          ['s', 10],
          ['t', 2],
        ],
      )
      const all = await readAll(bus, 's')
      const s = status.streams[0]
      assert.ok(s && s.bytes > 700 && s.bytes < 7000, `${s?.bytes} bytes`)
      assert.ok(s.first <= (all[0]?.position ?? -1) && s.next > (all.at(-1)?.position ?? 0))
      assert.ok(status.diskBytes > 0)
    }))

  test('a bus keeps its name, and each writer that begins adds an incarnation', async () => {
    const fixture = await make()
    try {
      const first = await fixture.open()
      const p = new Publisher('p', 's')
      await p.append(first, 2)
      const before = await first.lineage()
      await first.close()
      const second = await fixture.open()
      await p.append(second, 2)
      const after = await second.lineage()
      const { term } = await second.read('s', 0, { events: 10, bytes: 10_000 })
      await second.close()
      if (term !== '') assert.equal(term, after.incarnations.at(-1)?.token, 'a chunk tells the newest term')
      assert.equal(after.bus, before.bus)
      assert.deepEqual(after.incarnations.slice(0, before.incarnations.length), before.incarnations)
      assert.ok(after.incarnations.length > before.incarnations.length, 'a writer was added')
      assert.ok((after.incarnations.at(-1)?.start ?? -1) >= before.head)
      assert.ok(after.head >= before.head + 2)
      assert.equal(new Set(after.incarnations.map((i) => i.token)).size, after.incarnations.length)
    } finally {
      await fixture.dispose()
    }
  })
}
