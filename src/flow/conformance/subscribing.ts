import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contract, event } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import { cancelType } from '../../event.ts'
import { service as declare } from '../../service.ts'
import { refuseUnlessProjection } from '../rebuild.ts'
import { setPaused } from '../subscriptions.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { type House, inHouse, upTo } from './house.ts'
import { interposed } from './interposed.ts'
import { Ear, ear, effects, listener, quick, record, schemaOf, Town, type Word } from './words.ts'

const byValue = (a: number, b: number): number => a - b

/** The town, two versions later: what was `n` is called `number`, and has a unit. */
interface NewWord {
  readonly number: number
  readonly key: string
  readonly unit: string
}

const newWord = schemaOf<NewWord>((value: { number?: unknown; unit?: unknown } | null) =>
  typeof value?.number === 'number' && typeof value.unit === 'string' ? undefined : 'is no number with a unit',
)

const LaterTown = contract('town', {
  events: {
    said: event({
      data: newWord,
      key: (d) => d.key,
      version: 3,
      upcast: {
        1: ({ n, ...rest }: Word) => ({ ...rest, number: n }),
        2: (d) => ({ unit: 'piece', ...d }),
      },
    }),
  },
})

function laterListener() {
  const service = ear()
  service.subscribe('ears', { from: 'start', order: 'key', retry: quick }).on(LaterTown.said, async (tx, { data }) => {
    await tx.sql`insert into effect (place, n, key, note)
      select coalesce(max(place), 0) + 1, ${data.number}, ${data.key}, ${data.unit} from effect`
  })
  return service
}

/** What a subscription reads, from where, and what it does with what it cannot understand. */
export function subscribing(make: MakeFlowFixture): void {
  test('Subscription: from now starts after what was there before, and that is recorded once', () =>
    inHouse(make, async (house) => {
      const outside = await house.open([])
      await house.say(outside, upTo(10))
      const first = await house.open([listener({ from: 'now' }, record)])
      await house.say(first, [11])
      await house.settled(first)
      await house.stop(first)
      await house.say(outside, [12])
      const service = listener({ from: 'start' }, record)
      await house.settled(await house.open([service]))
      assert.deepEqual(await house.numbers(service), [11, 12])
    }))

  test('Subscription: a renamed handler from now replays nothing', () =>
    inHouse(make, async (house) => {
      const before = await house.open([listener({ name: 'ears' }, record)])
      await house.say(before, upTo(10))
      await house.settled(before)
      await house.stop(before)
      const service = listener({ name: 'big-ears', from: 'now' }, record)
      const after = await house.open([service])
      await house.say(after, [11])
      await house.settled(after)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(11))
    }))

  test('Subscription: another order under the same name is refused', () =>
    inHouse(make, async (house) => {
      await house.stop(await house.open([listener({ order: 'none' }, record)]))
      await assert.rejects(house.open([listener({ order: 'key' }, record)]), { code: 'invalid_config' })
    }))

  test('Subscription: a second store under the same name is refused', () =>
    inHouse(
      make,
      async (house) => {
        const service = listener({}, record)
        const app = await house.open([service])
        await house.say(app, [1])
        await house.settled(app)
        await house.stop(app)
        await house.fixture.remove({ store: service.name })
        await assert.rejects(house.open([service]), { code: 'subscription_taken', message: /ear\/ears/ })
      },
      { asItIs: true },
    ))

  test('Subscription: an undecodable body is a dead letter, and stops nobody', () =>
    inHouse(make, (house) => dies(house, { data: '{"n":1,' }, /not JSON/)))

  test('Subscription: a body that fails its schema is a dead letter, and names the path', () =>
    inHouse(make, (house) => dies(house, { data: '{"n":"one","key":"k"}' }, /town\.said: n: is not a number/)))

  test('Subscription: the same where handlers prepare', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.on(Town.said, { name: 'ears', from: 'start', prepare: () => {}, handle: record })
      const app = await house.open([service])
      await house.forge({ data: 'null' })
      await house.say(app, [2])
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [2])
      assert.deepEqual(
        (await house.dead(service)).map((letter) => letter.code),
        ['invalid_event'],
      )
    }))

  test('Subscription: a withdrawal that makes no sense stops nobody', () =>
    inHouse(make, async (house) => {
      const ordered = listener({ order: 'key' }, record)
      const app = await house.open([ordered])
      const senseless = ['', '7', '{"id":7}', '{"id":"x","type":7}', '{"id":"unknown","type":"said"}']
      await house.forge(...senseless.map((data) => ({ type: cancelType, data })))
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual(await house.numbers(ordered), [1])
    }))

  test('Subscription: a version that nobody knows yet waits, delays nobody, and is handled once the code knows it', () =>
    inHouse(make, async (house) => {
      const before = await house.open([listener({ order: 'key' }, record)])
      await house.say(before, [1])
      await house.forge({ version: 3, data: '{"number":2,"key":"k","unit":"pair"}' })
      await house.say(before, [3, { n: 4, key: 'other' }])
      await house.settled(before)
      const service = laterListener()
      assert.deepEqual((await house.numbers(service)).sort(byValue), [1, 4])
      await house.stop(before)
      await house.settled(await house.open([service]))
      assert.deepEqual((await house.effects(service)).map(({ n, note }) => [n, note]).slice(2), [
        [2, 'pair'],
        [3, 'piece'],
      ])
    }))

  test('Subscription: what waits for newer code is taken up when a newer process joins and the older one leaves', () =>
    inHouse(make, async (house) => {
      const old = await house.open([listener({ order: 'key' }, record)])
      const forged = (n: number) => ({ version: 3, key: `${n}`, data: `{"number":${n},"key":"${n}","unit":"x"}` })
      await house.forge(...upTo(20).map(forged))
      await house.settled(old)
      const service = laterListener()
      const young = await house.open([service])
      await house.shared(service, 2)
      await house.stop(old)
      await house.happened('handled', 20)
      await house.settled(young)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(20))
    }))

  test('Subscription: older versions are brought up to date, one step after another', () =>
    inHouse(make, async (house) => {
      const service = laterListener()
      const app = await house.open([service])
      await house.forge(
        { version: 1, data: '{"n":1,"key":"k"}' },
        { version: 2, data: '{"number":2,"key":"k"}' },
        { version: 3, data: '{"number":3,"key":"k","unit":"pair"}' },
        { version: 1, data: '{"key":"k"}', key: 'other' },
      )
      await house.settled(app)
      assert.deepEqual(
        (await house.effects(service)).map(({ n, note }) => [n, note]),
        [
          [1, 'piece'],
          [2, 'piece'],
          [3, 'pair'],
        ],
      )
      assert.deepEqual(
        (await house.dead(service)).map((letter) => letter.code),
        ['invalid_event'],
      )
    }))

  test('Subscription: it can be paused and resumed while it runs; others go on', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.subscribe('a', { from: 'start' }).on(Town.said, record)
      service
        .subscribe('b', { from: 'start' })
        .on(Town.said, (tx, e) => record(tx, { ...e, data: { ...e.data, n: -1 } }))
      const app = await house.open([service])
      await house.write(service, (tx) => setPaused(tx, 'ear/a', true))
      await house.noticed(service)
      await house.say(app, upTo(10))
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), Array(10).fill(-1))
      await house.write(service, (tx) => setPaused(tx, 'ear/a', false))
      await house.happened('handled', 20)
      assert.equal((await house.numbers(service)).filter((n) => n > 0).length, 10)
    }))

  test('Bus (port): a need that the engine cannot meet refuses the start, by name', () =>
    inHouse(make, async (house) => {
      const start = house.open([listener({ order: 'key' }, record)], {
        onBus: (bus) => interposed(bus, { capabilities: { ...bus.capabilities, keyOrder: 'absent' } }),
      })
      await assert.rejects(start, { code: 'capability_absent', message: /ear\/ears.*keyOrder/ })
    }))

  test('Position, retry, delay, dead letters: the bus is acknowledged only what is settled in the store', () =>
    inHouse(make, async (house) => {
      const service = listener({ order: 'key' }, async (tx, event) => {
        if (event.data.n === 3) throw new SkerryError('terminal', 'no')
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(app, upTo(10))
      await house.settled(app)
      await house.stop(app)
      const { readers } = await house.onBus((bus) => bus.status())
      const marks = readers.find(({ subscription }) => subscription === 'ear/ears')?.marks
      const read = await house.onLog((bus) => bus.read('town', 0, { events: 100, bytes: 1e6 }))
      const fourth = read.events[3]?.position ?? 0
      // Number 3 is dead and kept whole in the store; what waits behind it is needed of the bus.
      assert.ok((marks?.town ?? 0) <= fourth, 'kept for the key that waits')
      assert.ok((marks?.town ?? 0) > (read.events[2]?.position ?? 0), 'not for what is settled')
    }))

  test('Retention: a position that was overtaken all the same stops the service with position_lost', () =>
    inHouse(
      make,
      async (house) => {
        // An inbox is the store's own, and no retention but its own positions rules there.
        if (house.fixture.handsOut) return
        const app = await house.open([listener({}, record)], {
          onBus: (bus) =>
            interposed(bus, { read: () => Promise.reject(new SkerryError('position_lost', 'passed by retention')) }),
        })
        await assert.rejects(app.settled(), { code: 'position_lost' })
        assert.ok(house.facts.some((fact) => fact.kind === 'paused' && fact.code === 'position_lost'))
      },
      { asItIs: true },
    ))

  test('Replay: a service that starts again handles nothing twice, and only a projection may be made anew', () =>
    inHouse(make, async (house) => {
      const service = listener({}, record)
      const app = await house.open([service])
      await house.say(app, upTo(10))
      await house.settled(app)
      await house.stop(app)
      await house.settled(await house.open([service]))
      assert.equal((await house.numbers(service)).length, 10)
      assert.throws(() => refuseUnlessProjection(service), { message: /ear/ })
      refuseUnlessProjection(declare(Ear, { projection: true }))
    }))

  test('Upgrade: older code goes on after an additive migration, and is refused after another', () =>
    inHouse(
      make,
      async (house) => {
        const older = listener({}, record)
        const added = { number: 2, name: 'added', sql: 'alter table effect add column more text', additive: true }
        const broken = { number: 3, name: 'broken', sql: 'alter table effect rename to happened', additive: false }
        const before = await house.open([older])
        await house.stop(await house.open([declare(Ear, { migrations: [effects, added] })]))
        await house.say(before, [1])
        await house.settled(before)
        await house.stop(before)
        const again = await house.open([older])
        await house.say(again, [2])
        await house.settled(again)
        assert.deepEqual(await house.numbers(older), [1, 2])
        await house.stop(again)
        await house.stop(await house.open([declare(Ear, { migrations: [effects, added, broken] })]))
        await assert.rejects(house.open([older]), { code: 'migration_refused', message: /3 \(broken\)/ })
      },
      { asItIs: true },
    ))

  test('Errors: data from outside that does not fit is refused, and nothing is written', () =>
    inHouse(make, async (house) => {
      const app = await house.open([], { maxEventBytes: 100 })
      await assert.rejects(app.publish(Town.said, { n: 'x' as never, key: 'k' }), {
        code: 'invalid_event',
        message: /town\.said: n: is not a number/,
      })
      await assert.rejects(app.publish(Town.said, { n: 1, key: 'k', note: 'x'.repeat(200) }), {
        code: 'event_too_large',
      })
      const { events } = await house.onLog((bus) => bus.read('town', 0, { events: 1, bytes: 1 }))
      assert.deepEqual(events, [])
    }))
}

async function dies(house: House, record_: { data: string }, message: RegExp): Promise<void> {
  const service = listener({}, record)
  const app = await house.open([service])
  await house.say(app, [1])
  await house.forge(record_)
  await house.say(app, [2])
  await house.settled(app)
  assert.deepEqual((await house.numbers(service)).sort(byValue), [1, 2])
  const [letter] = await house.dead(service)
  assert.equal(letter?.code, 'invalid_event')
  assert.match(letter?.message ?? '', message)
  assert.equal(letter?.record.data, record_.data)
}
