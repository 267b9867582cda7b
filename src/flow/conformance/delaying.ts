import assert from 'node:assert/strict'
import { test } from 'node:test'
import { service as declare } from '../../service.ts'
import { systemClock, VirtualClock } from '../../time.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { type House, inHouse, pass, until, upTo } from './house.ts'
import { Ear, ear, effects, type Handle, listener, quick, record, Town, type Word } from './words.ts'

/** What waits for its time, and what loses its worth. */
export function delaying(make: MakeFlowFixture): void {
  test('Delayed events: they are handled when due, and not before', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      const at = new Map<number, number>()
      const service = listener({}, async (tx, event) => {
        at.set(event.data.n, clock.monotonic())
        await record(tx, event)
      })
      const app = await house.open([service], { clock })
      await house.publish(app, { n: 1, key: 'k' }, { delay: 600_000 })
      await house.publish(app, { n: 2, key: 'k' }, { delay: new Date(clock.wall() + 300_000) })
      await house.publish(app, { n: 3, key: 'k' })
      await house.settled(app)
      assert.deepEqual([...at.keys()], [3])
      await clock.advance(200_000)
      await house.settled(app)
      assert.deepEqual([...at.keys()], [3])
      await clock.advance(600_000)
      await house.settled(app)
      assert.deepEqual([...at.keys()], [3, 2, 1])
      assert.ok((at.get(2) ?? 0) >= 300_000 && (at.get(1) ?? 0) >= 600_000)
    }))

  test('Delayed events: they outlive a restart, body included', () =>
    inHouse(make, async (house) => {
      const service = listener({}, record)
      const before = await house.open([service])
      await house.publish(before, { n: 1, key: 'k', note: 'later' }, { delay: 3_600_000 })
      await house.settled(before)
      await house.stop(before)
      const clock = new VirtualClock(systemClock.wall() + 3_600_000)
      const after = await house.open([service], { clock })
      await until(async () => {
        await clock.advance(100)
        return house.count('handled') === 1
      }, 'the delayed event never came')
      assert.deepEqual(await house.effects(service), [{ n: 1, key: 'k', note: 'later' }])
      await house.settled(after)
    }))

  test('Delayed events: one that falls due while its key is in trouble takes its place behind it', () =>
    inHouse(make, (house) => dueInTrouble(house, false)))

  test('Delayed events: the same where handlers prepare', () => inHouse(make, (house) => dueInTrouble(house, true)))

  test('Delayed events: no delay at all is no delay, also for a key in trouble', () =>
    inHouse(make, async (house) => {
      const service = listener({ order: 'key' }, async (tx, event) => {
        if (event.data.n === 1 && event.attempt < 5) throw new Error('later')
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(app, [1])
      for (const n of [2, 3, 4]) await house.publish(app, { n, key: 'k' }, { delay: n === 3 ? new Date(0) : 0 })
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [1, 2, 3, 4])
    }))

  test('Delayed events: one that is long due when it is read is handled once, though its key is in trouble', () =>
    inHouse(make, async (house) => {
      const outside = await house.open([])
      const service = listener({ order: 'key' }, async (tx, event) => {
        if (event.data.n === 1 && event.attempt < 3) throw new Error('later')
        await record(tx, event)
      })
      await house.introduce(service)
      await house.say(outside, [1])
      await house.publish(outside, { n: 2, key: 'k' }, { delay: 20 })
      await house.say(outside, [3])
      await house.stop(outside)
      const clock = new VirtualClock(systemClock.wall() + 1000)
      const app = await house.open([service], { clock })
      await house.settled(app)
      assert.deepEqual((await house.numbers(service)).sort(), [1, 2, 3])
      assert.equal((await house.numbers(service))[0], 1)
    }))

  test('Delayed events: a delayed head that fails holds back those that came meanwhile, and loses none', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      const service = listener({ order: 'key', retry: { ...quick, firstMs: 100 } }, async (tx, event) => {
        if (event.data.n <= 2 && event.attempt < 3) throw new Error('later')
        await record(tx, event)
      })
      const app = await house.open([service], { clock })
      await house.publish(app, { n: 1, key: 'k' }, { delay: 1000 })
      await house.settled(app)
      await clock.advance(2000)
      await house.say(app, upTo(20).slice(1))
      await house.settled(app)
      assert.deepEqual(
        (await house.numbers(service)).filter((n) => n > 1),
        upTo(20).slice(1),
      )
      assert.equal((await house.numbers(service)).length, 20)
    }))

  test('Delayed events: tx.cancel withdraws one before it is due, and not after', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      const { remind, service } = reminders()
      const app = await house.open([remind, service], { clock })
      await house.say(app, [
        { n: 1, key: 'a', note: 'remind' },
        { n: 2, key: 'b', note: 'remind' },
      ])
      await house.settled(app)
      await house.say(app, [{ n: 3, key: 'a', note: 'forget' }])
      await house.settled(app)
      await clock.advance(120_000)
      await house.settled(app)
      assert.deepEqual(
        (await house.effects(service)).map((effect) => effect.key),
        ['b'],
      )
      await house.say(app, [{ n: 4, key: 'b', note: 'forget' }])
      await house.settled(app)
      assert.deepEqual(
        (await house.effects(service)).map((effect) => effect.key),
        ['b'],
      )
      assert.deepEqual(await house.rows(service, 'select * from skerry_exception'), [])
    }))

  test('Delayed events: one that was cancelled in time is not handled by a consumer that was away', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      const { remind, service } = reminders()
      const sender = await house.open([remind], { clock })
      await house.say(sender, [
        { n: 1, key: 'a', note: 'remind' },
        { n: 2, key: 'a', note: 'forget' },
      ])
      await house.settled(sender)
      await clock.advance(120_000)
      const app = await house.open([service], { clock })
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [])
    }))

  test('Delayed events: a cancellation behind a key in trouble leaves the key free afterwards', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      let mended = false
      const { remind, service } = reminders({ fails: (w) => w.note === 'plain' && !mended })
      const app = await house.open([remind, service], { clock })
      await house.say(app, [
        { n: 1, key: 'a', note: 'remind' },
        { n: 2, key: 'a', note: 'plain' },
      ])
      await house.say(app, [{ n: 3, key: 'a', note: 'forget' }])
      await house.happened('retried')
      mended = true
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [2])
      assert.deepEqual(await house.rows(service, 'select * from skerry_waiting'), [])
    }))

  test('Event: one that is expired when its turn comes is settled as expired, and counted', () =>
    inHouse(make, async (house) => {
      const service = listener({ order: 'key' }, record)
      const app = await house.open([service])
      await house.publish(app, { n: 1, key: 'k' }, { expires: new Date(systemClock.wall() - 1) })
      await house.publish(app, { n: 2, key: 'k' }, { expires: new Date(systemClock.wall() + 3_600_000) })
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [2])
      assert.deepEqual(await house.rows(service, `select name, value from skerry_counter order by name`), [
        { name: 'expired', value: 1 },
        { name: 'handled', value: 1 },
      ])
    }))

  test('Event: a retry that outlives its expiry is settled as expired, and its key goes on', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      const service = listener({ order: 'key', retry: { ...quick, firstMs: 60_000 } }, async (tx, event) => {
        if (event.data.n === 1) throw new Error('later')
        await record(tx, event)
      })
      const app = await house.open([service], { clock })
      await house.publish(app, { n: 1, key: 'k' }, { expires: new Date(clock.wall() + 30_000) })
      await house.say(app, [2])
      await house.happened('retried')
      await clock.advance(120_000)
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [2])
      assert.deepEqual(await house.dead(service), [])
    }))

  test('Time: a wall clock that jumps is reported, and no retry waits longer or shorter for it', async () => {
    for (const jump of [7_200_000, -7_200_000])
      await inHouse(make, async (house) => {
        const clock = new VirtualClock(systemClock.wall())
        const tries: number[] = []
        const service = listener({ retry: { ...quick, firstMs: 10_000 } }, async (tx, event) => {
          tries.push(clock.monotonic())
          if (event.attempt === 1) throw new Error('once')
          await record(tx, event)
        })
        const app = await house.open([service], { clock })
        const other = await house.open([service], { clock })
        await house.shared(service, 2, clock)
        await house.say(app, [1])
        await house.happened('retried')
        clock.jump(jump)
        await pass(clock, 5000)
        assert.equal(tries.length, 1)
        await pass(clock, 7000)
        assert.equal(tries.length, 2)
        assert.ok(Math.abs((tries[1] ?? 0) - (tries[0] ?? 0) - 10_000) < 1500, `tries at ${tries}`)
        assert.deepEqual(
          house.facts.filter((fact) => fact.kind === 'clock_jump').map((fact) => Math.sign(fact.byMs)),
          [Math.sign(jump), Math.sign(jump)],
        )
        await house.settled(other)
      })
  })

  test('Time: a delayed event that failed is tried again though the clock was set back before its time', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      const service = listener({ retry: { ...quick, firstMs: 10_000 } }, async (tx, event) => {
        if (event.attempt === 1) throw new Error('once')
        await record(tx, event)
      })
      const app = await house.open([service], { clock })
      await house.publish(app, { n: 1, key: 'k' }, { delay: 1000 })
      await clock.advance(2000)
      await house.happened('retried')
      clock.jump(-7_200_000)
      await clock.advance(15_000)
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [1])
    }))
}

async function dueInTrouble(house: House, prepares: boolean): Promise<void> {
  const clock = new VirtualClock(systemClock.wall())
  let mended = false
  const service = ear()
  const prepared: number[] = []
  const handle: Handle = async (tx, event) => {
    if (event.data.n === 1 && !mended) throw new Error('later')
    await record(tx, event)
  }
  const prepare = (_ctx: unknown, event: { readonly data: Word }): void => void prepared.push(event.data.n)
  service
    .subscribe('ears', { from: 'start', order: 'key', retry: { ...quick, firstMs: 1000, attempts: 1000 } })
    .on(Town.said, prepares ? { prepare, handle } : handle)
  const app = await house.open([service], { clock })
  await house.publish(app, { n: 2, key: 'k' }, { delay: 50_000 })
  await house.settled(app)
  await clock.advance(10_000)
  await house.say(app, [1, 3])
  await house.happened('retried')
  await clock.advance(50_000)
  await house.say(app, [4])
  await clock.advance(5000)
  assert.deepEqual(await house.numbers(service), [])
  assert.ok(!prepared.includes(2), 'prepare, too, waits for its predecessor')
  mended = true
  await house.settled(app)
  assert.deepEqual(await house.numbers(service), [1, 3, 4, 2])
}

/** Told to remind, it publishes an event a minute ahead; told to forget, it takes that back. */
function reminders(options: { fails?: (w: Word) => boolean } = {}) {
  const remind = ear()
  remind.subscribe('reminders', { from: 'start', order: 'key' }).on(Town.said, async (tx, { data }) => {
    if (data.note === 'remind') {
      const id = await tx.publish(Ear.heard, { n: data.n, key: data.key }, { delay: 60_000 })
      await tx.sql`insert into effect (place, n, key, note) values (${data.n}, 0, ${data.key}, ${id})`
    } else if (data.note === 'plain') await tx.publish(Ear.heard, { n: data.n, key: data.key, note: 'plain' })
    else {
      const [row] = await tx.sql<{ note: string }>`select note from effect where key = ${data.key}`
      await tx.cancel(Ear.heard, row?.note ?? '')
    }
  })
  const service = reminded(options.fails ?? (() => false))
  return { remind, service }
}

function reminded(fails: (w: Word) => boolean) {
  const service = declare(Town, { migrations: [effects] })
  service.subscribe('reminded', { from: 'start', order: 'key', retry: quick }).on(Ear.heard, async (tx, { data }) => {
    if (fails(data)) throw new Error('later')
    await tx.sql`insert into effect (place, n, key) values (${data.n}, ${data.n}, ${data.key})`
  })
  return service
}
