import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import { systemClock, VirtualClock } from '../../time.ts'
import { inFlightLimit } from '../intake.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { Gate, type House, inHouse, until, upTo } from './house.ts'
import { interposed } from './interposed.ts'
import { Ear, ear, listener, quick, record, Town } from './words.ts'

const byValue = (a: number, b: number): number => a - b

/** Nothing takes more than its share: of time, of memory, of the outbox. */
export function limiting(make: MakeFlowFixture): void {
  for (const prepares of [false, true])
    test(`Retry: a subscription keeps to its rate${prepares ? ', with prepare' : ''}`, () =>
      inHouse(make, async (house) => {
        const clock = new VirtualClock(systemClock.wall())
        const service = ear()
        const step = prepares ? { prepare: () => {}, handle: record } : record
        service.subscribe('ears', { from: 'start', rate: { events: 5, perMs: 1000 } }).on(Town.said, step)
        const app = await house.open([service], { clock })
        await house.say(app, upTo(25))
        const counts: number[] = []
        for (let second = 0; second < 4; second++) {
          await calm(house, clock, 5 * (second + 1))
          counts.push(house.count('handled'))
          await clock.advance(1000)
        }
        assert.deepEqual(counts, [5, 10, 15, 20])
        await house.settled(app)
        assert.equal(house.count('retried'), 0)
      }))

  for (const prepares of [false, true])
    test(`Retry: each key keeps to its own rate, in order, uncharged${prepares ? ', with prepare' : ''}`, () =>
      inHouse(make, async (house) => {
        const clock = new VirtualClock(systemClock.wall())
        const attempts = new Set<number>()
        const service = ear()
        const handle: typeof record = (tx, event) => {
          attempts.add(event.attempt)
          return record(tx, event)
        }
        service
          .subscribe('ears', { from: 'start', order: 'key', perKey: { rate: { events: 2, perMs: 1000 } } })
          .on(Town.said, prepares ? { prepare: () => {}, handle } : handle)
        const app = await house.open([service], { clock })
        await house.say(
          app,
          upTo(12).map((n) => ({ n, key: n <= 8 ? 'busy' : `key ${n}` })),
        )
        await calm(house, clock, 6)
        assert.deepEqual((await house.numbers(service)).sort(byValue), [1, 2, 9, 10, 11, 12])
        await clock.advance(1100)
        await calm(house, clock, 7)
        const handled = (await house.numbers(service)).filter((n) => n <= 8)
        assert.ok(handled.length >= 3 && handled.length <= 5, `${handled}`)
        await house.settled(app)
        assert.deepEqual(
          (await house.numbers(service)).filter((n) => n <= 8),
          upTo(8),
        )
        assert.deepEqual([...attempts], [1])
      }))

  test('Retry: no more prepare steps of one key run at once than allowed', () =>
    inHouse(make, async (house) => {
      const running = new Map<string, number>()
      let most = 0
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', concurrency: 20, perKey: { concurrency: 3 } },
        prepare: async (_ctx, { key }) => {
          running.set(key, (running.get(key) ?? 0) + 1)
          most = Math.max(most, running.get(key) ?? 0)
          await new Promise<void>((resolve) => void systemClock.after(1, resolve))
          running.set(key, (running.get(key) ?? 0) - 1)
        },
        handle: record,
      })
      const app = await house.open([service])
      await house.say(
        app,
        upTo(100).map((n) => ({ n, key: `key ${n % 4}` })),
      )
      await house.settled(app)
      assert.equal(most, 3)
      assert.equal((await house.numbers(service)).length, 100)
    }))

  test('Backpressure: works in flight are bounded whatever the backlog, and all are handled in the end', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      const service = ear()
      service.on(Town.said, { name: 'ears', from: 'start', prepare: () => gate.passed, handle: record })
      const outside = await house.open([])
      await house.introduce(service)
      await house.say(outside, upTo(6000))
      const app = await house.open([service])
      const inFlight = async (): Promise<number> => {
        const [row] = await house.rows<{ live: string }>(service, 'select live from skerry_member')
        return JSON.parse(row?.live ?? '{}').readers?.[0]?.inFlight ?? 0
      }
      await until(async () => (await inFlight()) > inFlightLimit.events / 2, 'nothing was taken up')
      assert.ok((await inFlight()) <= inFlightLimit.events)
      gate.open()
      await house.settled(app)
      assert.equal((await house.numbers(service)).length, 6000)
    }))

  test('Backpressure: bytes in flight are bounded, too', () =>
    inHouse(make, async (house) => {
      const gate = new Gate()
      const service = ear()
      service.on(Town.said, { name: 'ears', from: 'start', prepare: () => gate.passed, handle: record })
      const outside = await house.open([])
      await house.introduce(service)
      const note = 'x'.repeat(500_000)
      await house.say(
        outside,
        upTo(60).map((n) => ({ n, key: 'k', note })),
      )
      const app = await house.open([service])
      const inFlight = async (): Promise<number> => {
        const [row] = await house.rows<{ live: string }>(service, 'select live from skerry_member')
        return JSON.parse(row?.live ?? '{}').readers?.[0]?.inFlight ?? 0
      }
      await until(async () => (await inFlight()) > 20, 'nothing was taken up')
      assert.ok((await inFlight()) < 45, 'of 30 MB, 16 MB and a read are in flight')
      gate.open()
      await house.settled(app)
      assert.equal((await house.numbers(service)).length, 60)
    }))

  test('Backpressure: while the outbox is full handlers wait, uncharged, and go on when the bus takes it', () =>
    inHouse(make, async (house) => {
      let full = true
      const service = listener({ retry: { ...quick, attempts: 1 } }, async (tx, event) => {
        await tx.publish(Ear.heard, event.data)
        await record(tx, event)
      })
      const outside = await house.open([])
      await house.introduce(service)
      await house.say(outside, upTo(3000))
      const app = await house.open([service], {
        outboxLimit: 100,
        onBus: (bus) =>
          interposed(bus, {
            append: (batch) =>
              full && batch.stream === 'ear'
                ? Promise.reject(new SkerryError('overloaded', 'the disk limit'))
                : bus.append(batch),
          }),
      })
      await until(
        () => house.facts.some((fact) => fact.kind === 'paused' && fact.where === 'ear' && fact.code === 'overloaded'),
        'handlers never waited',
      )
      assert.ok((await house.numbers(service)).length <= 612, 'the limit, and one transaction')
      full = false
      await house.settled(app)
      assert.equal((await house.numbers(service)).length, 3000)
      assert.deepEqual(await house.dead(service), [])
    }))

  test('Relay: what is emitted arrives in the order of commits, once, though the bus fails now and then', () =>
    inHouse(make, async (house) => {
      let appends = 0
      const service = listener({ order: 'key' }, async (tx, event) => {
        await tx.publish(Ear.heard, event.data)
      })
      const app = await house.open([service], {
        onBus: (bus) =>
          interposed(bus, {
            append: async (batch) => {
              if (batch.stream !== 'ear') return bus.append(batch)
              appends++
              if (appends % 4 === 1) throw new SkerryError('unavailable', 'nobody writes')
              await bus.append(batch)
              // Stored, and nobody was told.
              if (appends % 4 === 2) throw new SkerryError('io_error', 'the connection was lost')
            },
          }),
      })
      for (const n of upTo(10)) {
        await house.say(
          app,
          upTo(10).map((i) => n * 100 + i),
        )
        await house.happened('handled', n * 10)
      }
      await house.settled(app)
      const { events } = await house.onLog((bus) => bus.read('ear', 0, { events: 1000, bytes: 1e6 }))
      const expected = upTo(10).flatMap((n) => upTo(10).map((i) => n * 100 + i))
      assert.deepEqual(
        events.map((event) => JSON.parse(event.record.data).n),
        expected,
      )
    }))

  test('Relay: a frame of which the bus has a part already is sent from there on', () =>
    inHouse(make, async (house) => {
      let cut = true
      const service = listener({ order: 'key' }, async (tx, event) => {
        for (const n of upTo(5)) await tx.publish(Ear.heard, { n: event.data.n * 10 + n, key: 'k' })
      })
      const app = await house.open([service], {
        onBus: (bus) =>
          interposed(bus, {
            append: async (batch) => {
              if (batch.stream !== 'ear' || !cut) return bus.append(batch)
              cut = false
              const lines = batch.frame.split('\n')
              await bus.append({ ...batch, count: 2, frame: `${lines.slice(0, 4).join('\n')}\n` })
              throw new SkerryError('unavailable', 'cut off')
            },
          }),
      })
      await house.say(app, [1, 2])
      await house.settled(app)
      const { events } = await house.onLog((bus) => bus.read('ear', 0, { events: 1000, bytes: 1e6 }))
      assert.deepEqual(
        events.map((event) => JSON.parse(event.record.data).n),
        [11, 12, 13, 14, 15, 21, 22, 23, 24, 25],
      )
    }))
}

/** Waits until so many were handled, and nothing happens any more at this virtual moment. */
async function calm(house: House, clock: VirtualClock, atLeast: number): Promise<void> {
  await until(
    async () => {
      await clock.advance(0)
      return house.count('handled') >= atLeast
    },
    () => `of ${atLeast} events that the rate allows only ${house.count('handled')} were handled`,
  )
  let before = -1
  await until(async () => {
    const now = house.facts.length
    const still = now === before && now > 0
    before = now
    await clock.advance(0)
    await new Promise<void>((resolve) => void systemClock.after(20, resolve))
    return still
  }, 'it never calmed down')
}
