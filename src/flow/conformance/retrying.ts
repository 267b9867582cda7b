import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, SkerryError } from '../../errors.ts'
import { systemClock, VirtualClock } from '../../time.ts'
import { inFlightLimit } from '../intake.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { Gate, type House, inHouse, until, upTo } from './house.ts'
import { interposed } from './interposed.ts'
import { ear, listener, quick, record, Town, type Tx } from './words.ts'

/** What fails is tried again, alone and for its own account. */
export function retrying(make: MakeFlowFixture): void {
  test('Retry: an event that fails twice is handled at its third try, and changes state once', () =>
    inHouse(make, async (house) => {
      const tries: number[] = []
      const service = listener({}, async (tx, event) => {
        await record(tx, event)
        tries.push(event.attempt)
        if (event.attempt < 3) throw new Error('not yet')
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual(tries, [1, 2, 3])
      assert.deepEqual(await house.numbers(service), [1])
    }))

  test('Retry: poisonous events delay no healthy one, and end as dead letters with their whole history', () =>
    inHouse(make, async (house) => {
      const service = listener({ retry: { ...quick, attempts: 4 } }, async (tx, event) => {
        if (event.data.note === 'poison') throw new Error(`no to ${event.data.n} for the ${event.attempt}. time`)
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(
        app,
        upTo(300).map((n) => ({ n, key: `key ${n}`, ...(n % 10 === 0 && { note: 'poison' }) })),
      )
      await house.settled(app)
      const healthy = upTo(300).filter((n) => n % 10 !== 0)
      assert.deepEqual((await house.numbers(service)).sort(byValue), healthy)
      const dead = await house.dead(service)
      assert.deepEqual(
        dead.map((letter) => letter.key).sort(),
        upTo(30)
          .map((n) => `key ${n * 10}`)
          .sort(),
      )
      for (const letter of dead) {
        assert.equal(letter.attempts, 4)
        assert.equal(letter.code, 'failed')
        const n = JSON.parse(letter.record.data).n
        assert.deepEqual(
          letter.history.map((attempt) => attempt.message),
          upTo(4).map((attempt) => `no to ${n} for the ${attempt}. time`),
        )
        assert.ok(letter.history.every((attempt) => attempt.charged && attempt.at > 0))
      }
    }))

  test('Retry: while one event waits for its next try, those after it are handled', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      let mended = false
      const service = listener({ retry: { ...quick, firstMs: 20 } }, async (tx, event) => {
        if (event.data.n === 1 && !mended) throw new Error('later')
        await record(tx, event)
        if (event.data.n === 200) gate.open()
      })
      const app = await house.open([service])
      await house.say(app, upTo(200))
      await gate.passed
      mended = true
      await house.settled(app)
      assert.deepEqual((await house.numbers(service)).at(-1), 1)
      assert.equal((await house.numbers(service)).length, 200)
    }))

  test('Retry: a terminal error is not tried again', () =>
    inHouse(make, async (house) => {
      let tries = 0
      const service = listener({}, () => {
        tries++
        throw new SkerryError('terminal', 'the card is stolen')
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.equal(tries, 1)
      assert.deepEqual(
        (await house.dead(service)).map(({ code, message, attempts }) => ({ code, message, attempts })),
        [{ code: 'terminal', message: 'the card is stolen', attempts: 1 }],
      )
    }))

  test('Retry: a version conflict runs both steps again, ten times for free, and then as an attempt', () =>
    inHouse(make, async (house) => {
      let prepared = 0
      let handled = 0
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', retry: { ...quick, attempts: 2 } },
        prepare: () => ++prepared,
        handle: async (tx, _event, given) => {
          assert.equal(given, ++handled)
          await tx.versioned`update counted set value = 1 where key = ${'absent'} and version = 7`
        },
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual([prepared, handled], [12, 12])
      const [letter] = await house.dead(service)
      assert.equal(letter?.code, 'version_conflict')
      assert.equal(letter?.attempts, 2)
      assert.deepEqual(
        letter?.history.map((attempt) => attempt.charged),
        [...Array(10).fill(false), true, true],
      )
    }))

  test('Retry: a version conflict that goes away costs nothing', () =>
    inHouse(make, async (house) => {
      const attempts: number[] = []
      const service = listener({}, async (tx, event) => {
        attempts.push(event.attempt)
        if (attempts.length < 8) throw new SkerryError('version_conflict', 'somebody was first')
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual(attempts, Array(8).fill(1))
    }))

  for (const code of ['closed', 'io_error', 'disk_full', 'store_busy', 'fenced', 'conflict', 'overloaded'] as const)
    test(`Errors: a handler that throws '${code}' of its own stops nobody else`, () =>
      inHouse(make, (house) => blamesItself(house, code)))

  test('Retry: what falls due while all places are taken is tried when there is room again', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      const gate = new Gate()
      let preparing = 0
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', retry: { ...quick, firstMs: 5000 }, concurrency: 3000 },
        prepare: (_ctx, event) => {
          if (event.data.n === 1) return
          preparing++
          return gate.passed
        },
        handle: async (tx, event) => {
          if (event.data.n === 1 && event.attempt === 1) throw new Error('once')
          await record(tx, event)
        },
      })
      const app = await house.open([service], { clock })
      await house.say(app, upTo(3000))
      await house.happened('retried')
      await until(
        () => preparing === inFlightLimit.events,
        () => `${preparing} events are in flight`,
      )
      await clock.advance(20_000)
      gate.open()
      await house.settled(app)
      assert.equal((await house.numbers(service)).length, 3000)
    }))

  test('Retry: a store that cannot be read for a moment loses no retry and no event', () =>
    inHouse(make, async (house) => {
      let broken = false
      const service = listener({ retry: { ...quick, attempts: 50 } }, async (tx, event) => {
        if (event.attempt < 3) {
          broken = true
          throw new Error('again')
        }
        await record(tx, event)
      })
      const app = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            read: (work) => {
              if (!broken) return store.read(work)
              broken = false
              return Promise.reject(new SkerryError('io_error', 'test'))
            },
          }),
      })
      await house.say(app, upTo(5))
      await until(
        async () => house.count('handled') === 5,
        () => `${house.count('handled')} of 5 were handled`,
      )
      assert.ok(house.count('paused') > 0)
    }))

  test('Retry: a bus that cannot be read for a moment loses no event', () =>
    inHouse(make, async (house) => {
      let broken = false
      const service = listener({}, record)
      const app = await house.open([service], {
        onBus: (bus) =>
          interposed(bus, {
            read: (stream, from, credit) => {
              if (!broken) return bus.read(stream, from, credit)
              broken = false
              return Promise.reject(new SkerryError('unavailable', 'test'))
            },
          }),
      })
      for (const n of upTo(5)) {
        broken = true
        await house.say(app, [n])
        await until(() => house.count('handled') === n, `number ${n} was not handled`)
      }
    }))
}

const byValue = (a: number, b: number): number => a - b

async function blamesItself(house: House, code: ErrorCode): Promise<void> {
  const service = listener({ retry: { ...quick, attempts: 3 } }, async (tx: Tx, event) => {
    if (event.data.n === 1 && house.count('handled') < 5) throw new SkerryError(code, 'not of this store')
    await record(tx, event)
  })
  const app = await house.open([service])
  await house.say(app, upTo(6))
  await house.happened('handled', 5)
  await house.settled(app)
  assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(6))
  assert.equal(house.count('paused'), 0)
}
