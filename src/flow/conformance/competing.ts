import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import { systemClock } from '../../time.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { Gate, inHouse, until, upTo } from './house.ts'
import { interposed } from './interposed.ts'
import { Ear, ear, listener, quick, record, Town } from './words.ts'

const byValue = (a: number, b: number): number => a - b

/** Processes that share a service: who comes, who goes, and who only thinks that it is still there. */
export function competing(make: MakeFlowFixture): void {
  for (const order of ['none', 'key'] as const)
    test(`Order: lanes move when processes come and go, and nothing is lost or doubled${order === 'key' ? ', in key order' : ''}`, () =>
      inHouse(make, async (house) => {
        const service = listener({ order, retry: { ...quick, firstMs: 2 } }, async (tx, event) => {
          if (event.data.n % 11 === 0 && event.attempt === 1) throw new Error('again')
          await record(tx, event)
        })
        const first = await house.open([service])
        const outside = await house.open([])
        const say = (from: number) =>
          house.say(
            outside,
            upTo(400).map((n) => ({ n: from + n, key: `key ${n % 20}` })),
          )
        await say(0)
        const second = await house.open([service])
        await say(1000)
        await house.shared(service, 2)
        await say(2000)
        await house.stop(first)
        await say(3000)
        await house.shared(service, 1)
        await house.settled(second)
        const handled = await house.effects(service)
        assert.equal(handled.length, 1600)
        assert.equal(new Set(handled.map(({ n }) => n)).size, 1600)
        if (order === 'none') return
        for (const k of upTo(20)) {
          const numbers = handled.filter(({ key }) => key === `key ${k - 1}`).map(({ n }) => n)
          assert.deepEqual(numbers, [...numbers].sort(byValue))
        }
      }))

  test('Exactly-once effects: a process whose lanes were taken cannot commit, and whoever takes over handles all once', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      const prepared: number[] = []
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start' },
        prepare: async (_ctx, event) => {
          prepared.push(event.data.n)
          if (prepared.length <= 10) await gate.passed
        },
        handle: record,
      })
      const zombie = await house.open([service])
      await house.say(zombie, upTo(10))
      await until(() => prepared.length === 10, 'the events were not prepared')
      // As another process does that found the lease expired.
      await house.write(service, (tx) =>
        tx.run(`update skerry_share set owner = 'elsewhere.1.x', token = 'taken' where subscription = 'ear/ears'`),
      )
      gate.open()
      await house.settled(zombie)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(10))
      assert.equal(prepared.length, 20, 'what was prepared under the lost lanes was not committed')
    }))

  test('Exactly-once effects: a commit under lanes that were lost meanwhile takes no effect', () =>
    inHouse(make, async (house) => {
      let steal = true
      const service = listener({}, async (tx, event) => {
        await record(tx, event)
      })
      const app = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            write: (work, mode) =>
              store.write(async (tx) => {
                const [row] = await tx.all<{ n: number }>(
                  `select count(*) as n from skerry_share where subscription = 'ear/ears' and owner is not null`,
                )
                if (steal && row?.n && house.count('handled') >= 5) {
                  steal = false
                  await tx.run(
                    `update skerry_share set owner = 'elsewhere.1.x', token = 'taken' where owner is not null`,
                  )
                }
                return work(tx)
              }, mode),
          }),
      })
      await house.say(app, upTo(10))
      await house.happened('handled', 5)
      await house.say(app, upTo(20).slice(10))
      await house.settled(app)
      assert.equal(steal, false)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(20))
    }))

  test('Order: a store that fails while lanes change hands leaves none of them unserved', () =>
    inHouse(make, async (house) => {
      let failures = 0
      const service = listener({ order: 'key' }, record)
      const first = await house.open([service], {
        onStore: (store) =>
          interposed(store, {
            write: async (work, mode) => {
              if (failures-- > 0) throw new SkerryError('io_error', 'test')
              return store.write(work, mode)
            },
          }),
      })
      const second = await house.open([service])
      for (const after of upTo(4)) {
        failures = after
        await house.write(service, async () => {})
        await until(
          () => failures < 0,
          () => `the first process stopped writing: ${JSON.stringify(house.facts.slice(-5))}`,
        )
        await house.say(
          second,
          upTo(64).map((n) => ({ n: after * 100 + n, key: `key ${n}` })),
        )
      }
      await house.shared(service, 2)
      await house.stop(second)
      await house.settled(first)
      assert.equal((await house.numbers(service)).length, 256)
    }))

  test('Relay: what a process without the relay emits is sent by the one that has it', () =>
    inHouse(make, async (house) => {
      const service = listener({}, async (tx, event) => {
        await tx.publish(Ear.heard, event.data)
      })
      const apps = [await house.open([service]), await house.open([service])]
      await house.shared(service, 2)
      await house.say(apps[0] as never, upTo(50))
      const emitted = async (): Promise<number> =>
        (await house.onLog((bus) => bus.status())).streams.find(({ stream }) => stream === 'ear')?.events ?? 0
      await until(async () => (await emitted()) === 50, 'not all was sent')
    }))

  test('Shutdown: events that run on are handed back unharmed, and another process takes them up at once', () =>
    inHouse(make, async (house) => {
      const attempts: number[] = []
      let stuck = 0
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', order: 'key', retry: quick },
        prepare: async (_ctx, event) => {
          attempts.push(event.attempt)
          if (event.data.n <= 5 && stuck < 5) {
            stuck++
            await new Promise(() => {})
          }
        },
        handle: record,
      })
      const first = await house.open([service], { graceMs: 50 })
      await house.say(
        first,
        upTo(20).map((n) => ({ n, key: `key ${n}` })),
      )
      await until(() => stuck === 5, 'nothing got stuck')
      const began = systemClock.monotonic()
      await house.stop(first)
      const second = await house.open([service])
      await house.settled(second)
      assert.ok(systemClock.monotonic() - began < 4000, 'no lease had to run out')
      assert.deepEqual([...new Set(attempts)], [1], 'no attempt was charged')
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(20))
      assert.deepEqual(await house.rows(service, 'select * from skerry_journal'), [])
    }))

  test('Shutdown: what is being prepared is finished within the grace period', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      let preparing = 0
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start' },
        prepare: () => {
          preparing++
          return gate.passed
        },
        handle: record,
      })
      const app = await house.open([service])
      await house.say(app, upTo(10))
      await until(() => preparing === 10, 'nothing was prepared')
      const stopping = house.stop(app)
      gate.open()
      await stopping
      assert.equal((await house.numbers(service)).length, 10)
    }))

  test('Shutdown: all that was emitted is on the bus afterwards', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.on(Town.said, { name: 'ears', from: 'start' }, async (tx, event) => {
        await record(tx, event)
        await tx.publish(Ear.heard, event.data)
      })
      const app = await house.open([service])
      await house.say(app, upTo(500))
      await house.happened('handled', 100)
      await house.stop(app)
      const handled = (await house.numbers(service)).length
      const { streams } = await house.onLog((bus) => bus.status())
      assert.equal(streams.find((stream) => stream.stream === 'ear')?.events, handled)
      await house.settled(await house.open([service]))
    }))

  test('Shutdown: a store that fails to the end keeps nothing else open', () =>
    inHouse(
      make,
      async (house) => {
        let broken = false
        const closed: string[] = []
        const app = await house.open([listener({}, record)], {
          onStore: (store) =>
            interposed(store, {
              write: (work, mode) =>
                broken ? Promise.reject(new SkerryError('io_error', 'test')) : store.write(work, mode),
              close: async () => {
                closed.push('store')
                await store.close()
              },
            }),
          onBus: (bus) =>
            interposed(bus, {
              close: async () => {
                closed.push('bus')
                await bus.close()
              },
            }),
        })
        broken = true
        await assert.rejects(house.stop(app), { code: 'io_error' })
        assert.deepEqual(closed, ['store', 'bus'])
      },
      { asItIs: true },
    ))

  test('Shutdown: a start that fails leaves nothing open', () =>
    inHouse(
      make,
      async (house) => {
        const closed: string[] = []
        const start = house.open([listener({}, record), ear()], {
          onStore: (store) =>
            interposed(store, {
              close: async () => {
                closed.push('store')
                await store.close()
              },
            }),
          onBus: (bus) =>
            interposed(bus, {
              register: () => Promise.reject(new SkerryError('subscription_taken', 'test')),
              close: async () => {
                closed.push('bus')
                await bus.close()
              },
            }),
        })
        await assert.rejects(start, { code: 'subscription_taken' })
        assert.deepEqual(closed, ['store', 'store', 'bus'])
      },
      { asItIs: true },
    ))
}
