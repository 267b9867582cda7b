import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import type { AnyService } from '../../service.ts'
import { systemClock, VirtualClock } from '../../time.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { type House, inHouse, until, upTo } from './house.ts'
import { leaving } from './interposed.ts'
import { Ear, ear, listener, quick, record, Town } from './words.ts'

const away = (): never => {
  throw new SkerryError('unavailable', 'the dependency is away')
}

/** A dependency that is away costs no event an attempt, and is asked again by one event at a time. */
export function outages(make: MakeFlowFixture): void {
  test('Retry: unavailable opens the circuit, charges nothing, and handles all once the dependency is back', () =>
    inHouse(make, async (house) => {
      const attempts = new Set<number>()
      const service = listener({ retry: { ...quick, attempts: 2 } }, async (tx, event) => {
        attempts.add(event.attempt)
        if (house.openings() < 2) away()
        await record(tx, event)
      })
      await backlog(house, service, 100)
      assert.deepEqual([...attempts], [1])
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(100))
      assert.deepEqual(house.circuit().slice(0, 2), ['open', 'probing'])
      assert.equal(house.circuit().at(-1), 'closed')
    }))

  test('Retry: a circuit that opened on all the events there are still probes, and closes', () =>
    inHouse(make, async (house) => {
      const service = listener({ retry: { ...quick, attempts: 2 } }, async (tx, event) => {
        if (house.openings() === 0) away()
        await record(tx, event)
      })
      await backlog(house, service, 5)
      assert.deepEqual((await house.numbers(service)).sort(byValue), upTo(5))
    }))

  test('Retry: an open circuit probes with one event', () =>
    inHouse(make, async (house) => {
      let tries = 0
      const triesAt: number[] = []
      const service = listener({}, async (tx, event) => {
        tries++
        if (house.openings() < 3) away()
        await record(tx, event)
      })
      await backlog(house, service, 100, () => triesAt.push(tries))
      assert.deepEqual(
        triesAt.slice(1, 3).map((n, i) => n - (triesAt[i] as number)),
        [1, 1],
      )
    }))

  test('Retry: an open circuit probes with one event where handlers prepare', () =>
    inHouse(make, async (house) => {
      let tries = 0
      const triesAt: number[] = []
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', retry: quick, concurrency: 4 },
        prepare: () => {
          tries++
          if (house.openings() < 4) away()
        },
        handle: record,
      })
      await backlog(house, service, 100, () => triesAt.push(tries))
      // At the first opening up to four were under way.
      assert.deepEqual(
        triesAt.slice(2, 4).map((n, i) => n - (triesAt[i + 1] as number)),
        [1, 1],
      )
    }))

  test('Retry: the circuit of one subscription concerns no other', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.subscribe('fragile', { from: 'start', retry: quick }).on(Town.said, async (tx, event) => {
        if (house.count('handled') < 50) away()
        await record(tx, event)
      })
      service
        .subscribe('sturdy', { from: 'start', retry: quick })
        .on(Town.said, (tx, event) => record(tx, { ...event, data: { ...event.data, note: 'sturdy' } }))
      await backlog(house, service, 50)
      const notes = (await house.effects(service)).map((effect) => effect.note)
      assert.deepEqual(notes, [...Array(50).fill('sturdy'), ...Array(50).fill(null)])
    }))
}

/** The engine beneath is away: what is in the store already does not need it. */
export function absences(make: MakeFlowFixture): void {
  test('Retry: while the engine is away, what is due in the store is handled, and emitted into the outbox', () =>
    inHouse(make, async (house) => {
      let away = false
      const service = listener({ retry: { attempts: 2, firstMs: 500, jitter: 0 } }, async (tx, event) => {
        if (event.attempt === 1) throw new Error('not yet')
        await tx.publish(Ear.heard, event.data)
        await record(tx, event)
      })
      const app = await house.open([service], { onBus: (bus) => leaving(bus, () => away) })
      await house.say(app, upTo(20))
      await house.happened('retried', 20)
      away = true
      await until(async () => (await house.numbers(service)).length === 20, 'all are handled without the engine')
      away = false
      await house.settled(app)
    }))
}

const byValue = (a: number, b: number): number => a - b

/** Runs a service on a backlog until it has settled; nothing may have died. */
async function backlog(house: House, service: AnyService, count: number, onOpen = (): void => {}): Promise<void> {
  await house.introduce(service)
  const outside = await house.open([])
  await house.say(outside, upTo(count))
  const app = await house.open([service], {
    clock: new VirtualClock(systemClock.wall()),
    watcher: (fact) => {
      if (fact.kind === 'circuit' && fact.state === 'open') onOpen()
    },
  })
  await house.settled(app)
  assert.deepEqual(await house.dead(service), [])
}
