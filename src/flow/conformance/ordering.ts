import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import type { Service } from '../../service.ts'
import { systemClock, VirtualClock } from '../../time.ts'
import { discardDead, editDead, redriveDead } from '../deadletter.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { Gate, type House, inHouse, pass, until, upTo } from './house.ts'
import { type EarOptions, ear, type Handle, Hill, listener, quick, record, Town, type Word } from './words.ts'

/** Events of one key keep their order, whatever becomes of them. */
export function ordering(make: MakeFlowFixture): void {
  for (const prepare of [false, true])
    for (const apps of [1, 2]) {
      const how = `${prepare ? ', with prepare' : ''}${apps > 1 ? ', by two processes' : ''}`
      test(`Order: events of a key are handled in publish order, types mixed and tries failing${how}`, () =>
        inHouse(make, (house) => keepsOrder(house, prepare, apps)))
    }

  test('Order: 1,000 events of 16 keys from 16 publishers keep the order of each', () =>
    inHouse(make, async (house) => {
      const service = listener({ order: 'key' }, record)
      const app = await house.open([service])
      const keys = upTo(16).map((k) => `key ${k}`)
      await Promise.all(
        keys.map((key) =>
          house.say(
            app,
            upTo(63).map((n) => ({ n, key })),
          ),
        ),
      )
      await house.settled(app)
      for (const key of keys) assert.deepEqual(await numbersOf(house, service, key), upTo(63))
    }))

  test('Order: while one key waits for its next try, the others go on', () =>
    inHouse(make, async (house) => {
      let mended = false
      const service = listener({ order: 'key', retry: { ...quick, attempts: 1000 } }, async (tx, event) => {
        if (event.data.n === 1 && !mended) throw new Error('later')
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(
        app,
        upTo(100).map((n) => ({ n, key: `key ${n % 5}` })),
      )
      await house.happened('handled', 80)
      assert.deepEqual(await numbersOf(house, service, 'key 1'), [])
      mended = true
      await house.settled(app)
      for (const key of upTo(5)) assert.deepEqual(await numbersOf(house, service, `key ${key % 5}`), everyFifth(key))
    }))

  test('Order: without it, events of one key do not wait for one another', () =>
    inHouse(make, async (house) => {
      const service = listener({ order: 'none', retry: { ...quick, firstMs: 20 } }, async (tx, event) => {
        if (event.data.n === 1 && house.count('handled') < 9) throw new Error('later')
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(app, upTo(10))
      await house.settled(app)
      assert.equal((await house.numbers(service)).at(-1), 1)
    }))

  test('Order: a dead head parks its key, and only its key, in its own stream', () =>
    inHouse(make, async (house) => {
      const service = ear()
      const mortal: Handle = async (tx, event) => {
        if (event.data.note === 'bad') throw new SkerryError('terminal', 'bad')
        await record(tx, event)
      }
      service
        .subscribe('ears', { from: 'start', order: 'key' })
        .on(Town.said, mortal)
        .on(Town.asked, mortal)
        .on(Hill.said, mortal)
      const app = await house.open([service])
      await house.say(app, [
        { n: 1, key: 'a', note: 'bad' },
        { n: 2, key: 'b' },
        { n: 3, key: 'a' },
      ])
      await house.say(app, [{ n: 4, key: 'a' }], Town.asked)
      await house.say(app, [{ n: 5, key: 'a' }], Hill.said)
      await house.settled(app)
      assert.deepEqual((await house.numbers(service)).sort(), [2, 5])
      assert.equal((await house.dead(service)).length, 1)
      const waiting = await house.rows(service, 'select stream, key, state from skerry_waiting')
      assert.deepEqual(waiting, [{ stream: 'town', key: 'a', state: 'parked' }])
    }))

  for (const end of ['redrive', 'discard'] as const)
    test(`Order: ${end === 'redrive' ? 'a redriven' : 'a discarded'} dead letter lets those behind it go on in order`, () =>
      inHouse(make, (house) => released(house, end)))

  test('Order: an edited dead letter is handled in its new wording', () =>
    inHouse(make, async (house) => {
      const service = mortal({ order: 'key' })
      const app = await house.open([service])
      await house.say(app, [
        { n: 1, key: 'k', note: 'bad' },
        { n: 2, key: 'k' },
      ])
      await house.settled(app)
      const [letter] = await house.dead(service)
      assert.ok(letter)
      await house.write(service, (tx) => editDead(tx, letter.id, '{ "n": 1, "key": "k",\n "note": "good" }'))
      await house.write(service, (tx) => redriveDead(tx, letter.id))
      await house.happened('handled', 2)
      assert.deepEqual(
        (await house.effects(service)).map(({ n, note }) => ({ n, note })),
        [
          { n: 1, note: 'good' },
          { n: 2, note: null },
        ],
      )
    }))

  test(`Order: with onDead 'continue' those behind a dead letter go on at once`, () =>
    inHouse(make, async (house) => {
      const service = mortal({ order: 'key', onDead: 'continue' })
      const app = await house.open([service])
      await house.say(app, [
        { n: 1, key: 'k', note: 'bad' },
        { n: 2, key: 'k' },
        { n: 3, key: 'k' },
      ])
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [2, 3])
      assert.equal((await house.dead(service)).length, 1)
    }))

  test('Order: a redriven letter of a key that went on does not let a waiting one be overtaken', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      const fails = new Set([1, 2])
      const service = listener(
        { order: 'key', onDead: 'continue', retry: { ...quick, firstMs: 20_000 } },
        async (tx, event) => {
          if (fails.has(event.data.n)) throw new SkerryError(event.data.n === 1 ? 'terminal' : 'failed', 'bad')
          await record(tx, event)
        },
      )
      const app = await house.open([service], { clock })
      await house.say(app, [1])
      await house.happened('dead')
      await house.say(app, [2, 3])
      await house.happened('retried')
      fails.clear()
      const [letter] = await house.dead(service)
      await house.write(service, (tx) => redriveDead(tx, letter?.id ?? ''))
      await pass(clock, 10_000)
      assert.deepEqual(await house.numbers(service), [1])
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [1, 2, 3])
    }))

  test('Order: a key in trouble keeps its order over a restart', () =>
    inHouse(make, async (house) => {
      let mended = false
      const service = listener({ order: 'key', retry: { ...quick, attempts: 1000 } }, async (tx, event) => {
        if (event.data.n === 1 && !mended) throw new Error('later')
        await record(tx, event)
      })
      const before = await house.open([service])
      await house.say(before, upTo(300))
      await house.happened('retried')
      await house.stop(before)
      mended = true
      const after = await house.open([service])
      await house.say(after, [301])
      await house.settled(after)
      assert.deepEqual(await house.numbers(service), upTo(301))
    }))

  test('Order: those that fail in one transaction with later events of other keys are not overtaken within their keys', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      let begun = 0
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', order: 'key', retry: quick },
        prepare: () => {
          begun++
          return gate.passed
        },
        handle: async (tx, event) => {
          if (event.data.n === 1 && event.attempt < 4) throw new Error('again')
          await record(tx, event)
        },
      })
      const app = await house.open([service])
      const keys = upTo(10).map((k) => `key ${k}`)
      await house.say(
        app,
        keys.flatMap((key) => upTo(3).map((n) => ({ n, key }))),
      )
      await until(() => begun === keys.length, 'they never all began')
      gate.open()
      await house.settled(app)
      for (const key of keys) assert.deepEqual(await numbersOf(house, service, key), [1, 2, 3])
    }))

  test('Order: an event of a version that nobody knows holds its key back, not another one', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', order: 'key', retry: quick },
        prepare: (_ctx, event) => (event.data.n === 1 ? gate.passed : undefined),
        handle: async (tx, event) => {
          if (event.data.n === 1 && event.attempt === 1) throw new Error('once')
          await record(tx, event)
        },
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.forge({ version: 2, data: '{"n":2,"key":"k"}' })
      await house.say(app, [3, 4, { n: 5, key: 'other' }])
      await house.happened('handled')
      gate.open()
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [5, 1])
      assert.equal((await house.rows(service, `select * from skerry_exception`)).length, 1)
    }))
}

const everyFifth = (from: number): number[] => upTo(20).map((i) => from + (i - 1) * 5)

async function numbersOf(house: House, service: Service<'ear'>, key: string): Promise<number[]> {
  return (await house.effects(service)).filter((effect) => effect.key === key).map((effect) => effect.n)
}

/** A service on which words noted `bad` die at once. */
function mortal(options: EarOptions, isBad = (w: Word): boolean => w.note === 'bad'): Service<'ear'> {
  return listener(options, async (tx, event) => {
    if (isBad(event.data)) throw new SkerryError('terminal', 'bad')
    await record(tx, event)
  })
}

async function keepsOrder(house: House, prepare: boolean, apps: number): Promise<void> {
  const handle: Handle = async (tx, event) => {
    if (event.data.n % 3 === 0 && event.attempt < 1 + (event.data.n % 4)) throw new Error('again')
    await record(tx, event)
  }
  const service = ear()
  const step = { prepare: async () => {}, handle }
  service
    .subscribe('ears', { from: 'start', order: 'key', retry: { ...quick, firstMs: 2 }, concurrency: 7 })
    .on(Town.said, prepare ? step : handle)
    .on(Town.asked, prepare ? step : handle)
  const running = []
  for (let i = 0; i < apps; i++) running.push(await house.open([service]))
  const outside = await house.open([])
  for (const n of upTo(30)) {
    const words = upTo(12).map((k) => ({ n, key: `key ${k}` }))
    await house.say(outside, words, n % 2 === 0 ? Town.said : Town.asked)
  }
  for (const app of running) await house.settled(app)
  for (const k of upTo(12)) assert.deepEqual(await numbersOf(house, service, `key ${k}`), upTo(30))
}

async function released(house: House, end: 'redrive' | 'discard'): Promise<void> {
  let mended = false
  const service = mortal({ order: 'key' }, (w) => w.n === 1 && !mended)
  const app = await house.open([service])
  await house.say(app, upTo(400))
  await house.settled(app)
  const [letter] = await house.dead(service)
  mended = true
  await house.write(service, (tx) => (end === 'redrive' ? redriveDead : discardDead)(tx, letter?.id ?? ''))
  await until(
    () => house.count('handled') >= 399,
    () => `${house.count('handled')} were handled`,
  )
  await house.say(app, [401])
  await house.settled(app)
  assert.deepEqual(await house.numbers(service), upTo(401).slice(end === 'redrive' ? 0 : 1))
  assert.deepEqual(await house.dead(service), [])
}
