import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MakeFlowFixture } from './fixture.ts'
import { Gate, type House, inHouse, until, upTo } from './house.ts'
import { Ear, ear, Hill, listener, quick, record, Town } from './words.ts'

const byValue = (a: number, b: number): number => a - b

/** What is published is handled: all of it, once, with its content, by everybody who asked. */
export function handling(make: MakeFlowFixture): void {
  test('100 events published before the service first started are handled once, content intact', () =>
    inHouse(make, async (house) => {
      const notes = ['', 'line\nfeed\r\n', 'naïve ☃ 🪨 \u2028', '"quoted\\"', ' ', '[1,2]\n']
      const words = upTo(100).map((n) => ({ n, key: `key ${n}`, note: notes[n % notes.length] ?? '' }))
      const outside = await house.open([])
      const service = listener({}, record)
      await house.introduce(service)
      await house.say(outside, words)
      await house.settled(await house.open([service]))
      assert.deepEqual(
        (await house.effects(service)).sort((a, b) => a.n - b.n),
        words,
      )
    }))

  test('5,000 events from 50 publishers are handled once each', () =>
    inHouse(make, async (house) => {
      const service = listener({}, record)
      const app = await house.open([service])
      await Promise.all(
        upTo(50).map((p) =>
          house.say(
            app,
            upTo(100).map((n) => p * 1000 + n),
          ),
        ),
      )
      await house.settled(app)
      const numbers = await house.numbers(service)
      assert.equal(numbers.length, 5000)
      assert.equal(new Set(numbers).size, 5000)
    }))

  test('each of several subscriptions gets all, at its own pace', () =>
    inHouse(make, async (house) => {
      const service = ear()
      for (const name of ['a', 'b', 'c'])
        service.subscribe(name, { from: 'start', retry: quick }).on(Town.said, async (tx, event) => {
          if (name === 'b' && event.data.n % 10 === 0 && event.attempt === 1) throw new Error('again')
          await record(tx, { ...event, data: { ...event.data, note: name } })
        })
      const app = await house.open([service])
      await house.say(app, upTo(50))
      await house.settled(app)
      const handled = await house.effects(service)
      for (const name of ['a', 'b', 'c'])
        assert.deepEqual(
          handled
            .filter(({ note }) => note === name)
            .map(({ n }) => n)
            .sort(byValue),
          upTo(50),
        )
    }))

  test('two streams stay separate, and types that nobody named are skipped', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.on(Town.said, { name: 'town', from: 'start' }, (tx, event) => {
        assert.equal(event.source, 'town')
        return record(tx, event)
      })
      const app = await house.open([service])
      await house.say(app, upTo(20), Hill.said)
      await house.say(app, upTo(20), Town.asked)
      await house.say(app, [21])
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [21])
    }))

  test('one subscription may read several streams', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.subscribe('both', { from: 'start', order: 'key' }).on(Town.said, record).on(Hill.said, record)
      const app = await house.open([service])
      await house.say(app, upTo(20), Hill.said)
      await house.say(app, upTo(20), Town.said)
      await house.settled(app)
      assert.equal((await house.numbers(service)).length, 40)
    }))

  test('three competing processes handle each event once, and all come', () =>
    inHouse(make, async (house) => {
      const service = listener({}, async (tx, event) => {
        if (event.data.n % 50 === 0 && event.attempt === 1) throw new Error('again')
        await record(tx, event)
      })
      const apps = [await house.open([service]), await house.open([service]), await house.open([service])]
      await Promise.all(
        apps.map((app, i) =>
          house.say(
            app,
            upTo(300).map((n) => i * 1000 + n),
          ),
        ),
      )
      for (const app of apps) await house.settled(app)
      const numbers = await house.numbers(service)
      assert.equal(numbers.length, 900)
      assert.equal(new Set(numbers).size, 900)
    }))

  test('a service that is stopped and started goes on where it was, and loses nothing', () =>
    inHouse(make, async (house) => {
      const service = listener({}, record)
      const outside = await house.open([])
      await house.introduce(service)
      const saying = house.say(outside, upTo(2000))
      for (let i = 1; i <= 5; i++) {
        const app = await house.open([service])
        await house.happened('handled', i * 100)
        await house.stop(app)
      }
      await saying
      await house.settled(await house.open([service]))
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(2000))
    }))

  test('processes that come and go at once disturb nobody', () =>
    inHouse(make, async (house) => {
      const service = listener({}, record)
      const others = upTo(5).map(async () => house.stop(await house.open([service])))
      const app = await house.open([service])
      await house.say(app, upTo(50))
      await Promise.all(others)
      await house.say(app, upTo(100).slice(50))
      await house.settled(app)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(100))
    }))

  test('a new subscription from the start gets what came before it, and what comes after', () =>
    inHouse(make, async (house) => {
      const first = await house.open([listener({}, record)])
      await house.say(first, upTo(20))
      await house.settled(first)
      await house.stop(first)
      const service = listener({ name: 'newcomer' }, async (tx, event) =>
        record(tx, { ...event, data: { ...event.data, note: 'newcomer' } }),
      )
      if (house.fixture.handsOut) {
        // What the service has handed on already is nowhere any more: a part of it would be worse than none.
        await assert.rejects(house.open([service]), { code: 'capability_absent', message: /ear\/newcomer.*from 'now'/ })
        return
      }
      const app = await house.open([service])
      await house.say(app, [21])
      await house.settled(app)
      const handled = (await house.effects(service)).filter((effect) => effect.note === 'newcomer')
      assert.deepEqual(handled.map((effect) => effect.n).sort(byValue), upTo(21))
    }))

  test('events that a service emits for itself go round', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.on(Ear.heard, { name: 'countdown', from: 'start' }, async (tx, event) => {
        await record(tx, event)
        if (event.data.n > 0) await tx.publish(Ear.heard, { n: event.data.n - 1, key: 'k' })
      })
      const app = await house.open([service])
      await house.publish(app, { n: 30, key: 'k' }, {}, Ear.heard)
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [0, ...upTo(30)].reverse())
    }))

  test('the signal of an event ends with its handler', () =>
    inHouse(make, async (house) => {
      const aborted: boolean[] = []
      let signal: AbortSignal | undefined
      const service = listener({}, async (tx, event) => {
        signal = tx.signal
        aborted.push(signal.aborted)
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual([...aborted, signal?.aborted], [false, true])
    }))

  test('Retry: events whose prepare is slow delay none whose prepare is quick', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      const service = ear()
      const subscription = service.subscribe('ears', { from: 'start', retry: quick, concurrency: 8 })
      subscription.on(Town.asked, { prepare: () => gate.passed, handle: record })
      subscription.on(Town.said, { prepare: async () => {}, handle: record })
      const app = await house.open([service])
      await house.say(app, upTo(10), Town.asked)
      await house.say(app, upTo(300).slice(10))
      await house.happened('handled', 290)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(300).slice(10))
      gate.open()
      await house.settled(app)
    }))

  test('prepare steps run side by side, as many as allowed', () =>
    inHouse(make, async (house) => {
      const seen = { now: 0, most: 0 }
      const gate = new Gate()
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', concurrency: 10 },
        prepare: async () => {
          seen.most = Math.max(seen.most, ++seen.now)
          if (seen.now === 10) gate.open()
          await gate.passed
          seen.now--
        },
        handle: record,
      })
      await settle(house, service, 40)
      assert.equal(seen.most, 10)
    }))

  test('what prepare returns is a copy, and every try gets its own', () =>
    inHouse(make, async (house) => {
      const shared = { list: [1] }
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', retry: quick },
        prepare: () => shared,
        handle: async (tx, event, given) => {
          assert.deepEqual(given, { list: [1] })
          given.list.push(2)
          if (event.attempt < 3) throw new Error('again')
          await record(tx, event)
        },
      })
      await settle(house, service, 5)
      assert.deepEqual(shared, { list: [1] })
      assert.equal((await house.numbers(service)).length, 5)
    }))

  test('what prepare returns and cannot be cloned makes a dead letter that says so', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', retry: quick },
        prepare: () => ({ callback: () => {} }),
        handle: record,
      })
      await settle(house, service, 1)
      const [letter] = await house.dead(service)
      assert.equal(letter?.code, 'terminal')
      assert.match(letter?.message ?? '', /cloned/)
    }))

  test('prepare may read the store, and not write to it', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', retry: { ...quick, attempts: 2 } },
        prepare: async (ctx, event) => {
          if (event.data.n === 2) await ctx.sql`delete from effect`
          return ctx.snapshot(async ({ sql }) => {
            const [row] = await sql<{ n: number }>`select count(*) as n from effect`
            return row?.n
          })
        },
        handle: (tx, event, before) => record(tx, { ...event, data: { ...event.data, note: `after ${before}` } }),
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      await house.say(app, [2, 3])
      await house.settled(app)
      assert.deepEqual(
        (await house.effects(service)).map((effect) => effect.note),
        ['after 0', 'after 1'],
      )
      assert.deepEqual(
        (await house.dead(service)).map((letter) => letter.code),
        ['statement_refused'],
      )
    }))

  test('a handler gets its own copy of the data, each time', () =>
    inHouse(make, async (house) => {
      const service = ear()
      for (const name of ['a', 'b'])
        service.subscribe(name, { from: 'start', retry: quick }).on(Town.said, async (tx, event) => {
          assert.equal(event.data.n, 1)
          ;(event.data as { n: number }).n = 99
          if (event.attempt < 3) throw new Error('again')
          await tx.sql`insert into effect (place, n, key) values (${name === 'a' ? 1 : 2}, ${event.attempt}, 'k')`
        })
      await settle(house, service, 1)
      assert.deepEqual(await house.numbers(service), [3, 3])
    }))

  test('a reader that watches sees events handled as they come', () =>
    inHouse(make, async (house) => {
      const service = listener({}, record)
      const app = await house.open([service])
      for (const n of upTo(10)) {
        await house.say(app, [n])
        await until(
          async () => (await app.read(service, (tx) => tx.all('select n from effect'))).length === n,
          `number ${n} was not handled`,
        )
      }
    }))
}

async function settle(house: House, service: ReturnType<typeof ear>, count: number): Promise<void> {
  const app = await house.open([service])
  await house.say(app, upTo(count))
  await house.settled(app)
}
