import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import { type AnyService, service as declare } from '../../service.ts'
import { systemClock, VirtualClock } from '../../time.ts'
import { redriveDead } from '../deadletter.ts'
import type { MakeFlowFixture } from './fixture.ts'
import { Gate, type House, inHouse, until, upTo } from './house.ts'
import { Ear, ear, effects, Hill, listener, quick, record, Town, type Tx } from './words.ts'

/** Effects happen once, whole, and as if each event were alone. */
export function exactly(make: MakeFlowFixture): void {
  test('Exactly-once effects: a throw undoes what its own try did, and keeps what its batch-mates did', () =>
    inHouse(make, async (house) => {
      const service = listener({ retry: { ...quick, attempts: 3 } }, async (tx, event) => {
        await record(tx, event)
        await tx.publish(Ear.heard, event.data)
        if (event.data.n % 7 === 0) throw new Error('no')
      })
      const echo = echoes()
      const app = await house.open([service, echo])
      await house.say(app, upTo(100))
      await house.settled(app)
      const expected = upTo(100).filter((n) => n % 7 !== 0)
      assert.deepEqual((await house.numbers(service)).sort(byValue), expected)
      assert.deepEqual((await house.numbers(echo)).sort(byValue), expected)
      assert.equal((await house.dead(service)).length, 14)
    }))

  test('Exactly-once effects: an event that needs many tries emits once, in the end', () =>
    inHouse(make, async (house) => {
      const service = listener({}, async (tx, event) => {
        await tx.publish(Ear.heard, { ...event.data, n: event.attempt })
        if (event.attempt < 5) throw new Error('again')
      })
      const echo = echoes()
      const app = await house.open([service, echo])
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual(await house.numbers(echo), [5])
    }))

  test('Exactly-once effects: ids, random numbers and time are the same at every try', () =>
    inHouse(make, async (house) => {
      const seen: unknown[] = []
      const service = listener({}, async (tx, event) => {
        const id = await tx.publish(Ear.heard, event.data)
        seen.push([id, tx.id(), tx.id(), tx.random(), tx.random(), tx.now().getTime()])
        if (event.attempt < 3) throw new Error('again')
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.equal(seen.length, 3)
      assert.deepEqual(seen[1], seen[0])
      assert.deepEqual(seen[2], seen[0])
      const all = (seen[0] as unknown[]).slice(0, 5)
      assert.equal(new Set(all).size, 5, 'but each draw is its own')
    }))

  test('Exactly-once effects: two subscriptions draw differently from one event', () =>
    inHouse(make, async (house) => {
      const seen: string[] = []
      const service = ear()
      for (const name of ['a', 'b'])
        service
          .subscribe(name, { from: 'start' })
          .on(Town.said, (tx: Tx) => void seen.push(`${tx.id()} ${tx.random()}`))
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.equal(new Set(seen).size, 2)
    }))

  test('Exactly-once effects: what is emitted says what it was caused by', () =>
    inHouse(make, async (house) => {
      const service = listener({}, async (tx, event) => {
        await tx.publish(Ear.heard, event.data)
      })
      const app = await house.open([service])
      const first = await house.publish(app, { n: 1, key: 'k' })
      const attributes = { correlationid: 'order 7', traceparent: '00-1-2-01' }
      const second = await house.publish(app, { n: 2, key: 'k' }, { attributes })
      await house.settled(app)
      const chunk = await house.onLog((bus) => bus.read('ear', 0, { events: 9, bytes: 9999 }))
      assert.deepEqual(
        chunk.events.map((event) => event.record.attributes),
        [
          { correlationid: first, causationid: first },
          { ...attributes, causationid: second },
        ],
      )
    }))

  test('Exactly-once effects: a tx used after its handler ended is refused, and touches nothing', () =>
    inHouse(make, async (house) => {
      let kept: Tx | undefined
      const service = listener({}, async (tx, event) => {
        kept ??= tx
        await record(tx, event)
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      const late = kept as Tx
      await assert.rejects(late.sql`delete from effect`, { code: 'tx_ended' })
      await assert.rejects(late.versioned`delete from effect`, { code: 'tx_ended' })
      await assert.rejects(late.publish(Ear.heard, { n: 1, key: 'k' }), { code: 'tx_ended' })
      await assert.rejects(late.cancel(Ear.heard, 'id'), { code: 'tx_ended' })
      assert.throws(() => late.id(), { code: 'tx_ended' })
      assert.throws(() => late.random(), { code: 'tx_ended' })
      assert.deepEqual(await house.numbers(service), [1])
    }))

  test('Exactly-once effects: a late tx that nobody awaits does not end the process', () =>
    inHouse(make, async (house) => {
      const done = new Gate()
      const service = listener({}, async (tx, event) => {
        await record(tx, event)
        void systemClock.after(0, () => {
          void tx.sql`delete from effect`
          void tx.publish(Ear.heard, { n: 1, key: 'k' })
          done.open()
        })
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await done.passed
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [1])
    }))

  test('Exactly-once effects: a failed statement dooms its try though its error was swallowed', () =>
    inHouse(make, async (house) => {
      const service = listener({ retry: { ...quick, attempts: 2 } }, async (tx, event) => {
        await record(tx, event)
        if (event.data.n === 1) await tx.sql`insert into effect (place, n) values (0, 0)`.catch(() => {})
      })
      const app = await house.open([service])
      await house.say(app, [1, 2])
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [2])
      assert.deepEqual(
        (await house.dead(service)).map((letter) => [letter.code, letter.attempts]),
        [['statement_failed', 2]],
      )
    }))

  test('Exactly-once effects: statements that would end the transaction are refused', () =>
    inHouse(make, async (house) => {
      const service = listener({}, async (tx, event) => {
        await record(tx, event)
        await tx.sql`commit`
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.deepEqual(await house.numbers(service), [])
      assert.deepEqual(
        (await house.dead(service)).map((letter) => letter.code),
        ['statement_refused'],
      )
    }))

  test('Exactly-once effects: data that does not fit its schema is not published by a handler', () =>
    inHouse(make, async (house) => {
      const service = listener({}, async (tx) => {
        await tx.publish(Ear.heard, { n: 'one' as never, key: 'k' })
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      const [letter] = await house.dead(service)
      assert.equal(letter?.code, 'invalid_event')
      assert.match(letter?.message ?? '', /ear\.heard: n: /)
    }))

  test('ctx.once acts once for an event that is tried many times, and gives its result each time', () =>
    inHouse(make, async (house) => {
      const acted: string[] = []
      const given: unknown[] = []
      const service = charging({
        act: async (key) => {
          acted.push(key)
          return { receipt: acted.length }
        },
        handle: async (tx, event, receipt) => {
          given.push(receipt)
          if (event.attempt < 4) throw new Error('again')
          await record(tx, event)
        },
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      assert.equal(acted.length, 1)
      assert.deepEqual(given, Array(4).fill({ receipt: 1 }))
    }))

  test('ctx.once reuses its result when a dead letter is redriven', () =>
    inHouse(make, async (house) => {
      let acts = 0
      let mended = false
      const service = charging({
        act: async () => ++acts,
        handle: async (tx, event) => {
          if (!mended) throw new SkerryError('terminal', 'no')
          await record(tx, event)
        },
      })
      const app = await house.open([service])
      await house.say(app, [1])
      await house.settled(app)
      mended = true
      await redriveAll(house, service)
      await house.happened('handled')
      assert.equal(acts, 1)
    }))

  test('ctx.once that failed acts again under the same key, and an undefined result is one, too', () =>
    inHouse(make, async (house) => {
      const keys: string[] = []
      let handled = 0
      const service = charging({
        act: async (key) => {
          keys.push(key)
          if (keys.length < 3) throw new Error('timeout')
        },
        handle: async (tx, event) => {
          if (++handled < 3) throw new Error('again')
          await record(tx, event)
        },
      })
      const app = await house.open([service])
      await house.say(app, [1, 2])
      await house.settled(app)
      assert.equal(new Set(keys).size, 2, 'each event has its own key')
      assert.equal(keys.length, 4)
      assert.deepEqual((await house.numbers(service)).sort(byValue), [1, 2])
    }))

  test('ctx.once that began and never answered is parked in doubt once its key has expired, and redrive begins anew', () =>
    inHouse(make, async (house) => {
      const clock = new VirtualClock(systemClock.wall())
      let acts = 0
      const service = charging({
        act: async () => {
          acts++
          if (acts === 1) throw new SkerryError('unavailable', 'no answer', { retryAfterMs: 120_000 })
        },
        handle: record,
        keyLifetimeMs: 60_000,
      })
      const app = await house.open([service], { clock })
      await house.say(app, [1])
      await house.happened('retried')
      await clock.advance(130_000)
      await house.settled(app)
      const [letter] = await house.dead(service)
      assert.equal(letter?.code, 'in_doubt')
      assert.match(letter?.message ?? '', /'charge'/)
      assert.equal(acts, 1)
      await redriveAll(house, service)
      await until(async () => {
        await clock.advance(100)
        return house.count('handled') === 1
      }, 'the redriven event was not handled')
      assert.equal(acts, 2)
    }))

  test('Serializable: each handler sees all that those before it committed, and nothing half done', () =>
    inHouse(make, async (house) => {
      const service = listener({}, async (tx, event) => {
        const key = `key ${event.data.n % 3}`
        const [row] = await tx.sql<{ value: number }>`select value from counted where key = ${key}`
        await null
        if (row) await tx.sql`update counted set value = ${row.value + 1} where key = ${key}`
        else await tx.sql`insert into counted (key, value, version) values (${key}, 1, 1)`
        if (event.data.n % 5 === 0 && event.attempt === 1) throw new Error('again')
      })
      const apps = [await house.open([service]), await house.open([service])]
      await house.say(apps[0] as never, upTo(300))
      for (const app of apps) await house.settled(app)
      assert.deepEqual(
        await house.rows(service, 'select key, value from counted order by key'),
        [0, 1, 2].map((n) => ({ key: `key ${n}`, value: 100 })),
      )
    }))

  test('Serializable: what prepare read is rechecked by versions', () =>
    inHouse(make, async (house) => {
      const service = ear()
      service.on(Town.said, {
        ...{ name: 'ears', from: 'start', retry: quick },
        prepare: async (ctx) => {
          const [row] = await ctx.sql<{ value: number; version: number }>`select value, version from counted`
          return row ?? { value: 0, version: 0 }
        },
        handle: async (tx, _event, { value, version }) => {
          if (version === 0)
            await tx.versioned`insert into counted (key, value, version) values ('all', 1, 1) on conflict do nothing`
          else
            await tx.versioned`update counted set value = ${value + 1}, version = ${version + 1} where version = ${version}`
        },
      })
      const app = await house.open([service])
      await house.say(app, upTo(8))
      await house.settled(app)
      assert.deepEqual(await house.rows(service, 'select value, version from counted'), [{ value: 8, version: 8 }])
      assert.deepEqual(await house.dead(service), [])
    }))
}

const byValue = (a: number, b: number): number => a - b

/** Another service, which hears what the first one emits. */
function echoes() {
  const echo = declare(Hill, { migrations: [effects] })
  echo.on(Ear.heard, { name: 'echo', from: 'start' }, async (tx, { data }) => {
    await tx.sql`insert into effect (place, n, key)
      select coalesce(max(place), 0) + 1, ${data.n}, ${data.key} from effect`
  })
  return echo
}

interface Charging {
  readonly act: (key: string) => Promise<unknown>
  readonly handle: (tx: Tx, event: Parameters<typeof record>[1], receipt: unknown) => Promise<void>
  readonly keyLifetimeMs?: number
}

function charging({ act, handle, keyLifetimeMs }: Charging) {
  const service = ear()
  service.on(Town.said, {
    ...{ name: 'charge', from: 'start', retry: quick },
    prepare: (ctx) => ctx.once('charge', act, keyLifetimeMs === undefined ? {} : { keyLifetimeMs }),
    handle,
  })
  return service
}

async function redriveAll(house: House, service: AnyService): Promise<void> {
  for (const letter of await house.dead(service)) await house.write(service, (tx) => redriveDead(tx, letter.id))
}
