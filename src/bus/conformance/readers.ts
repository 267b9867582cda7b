import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bus } from '../bus.ts'
import { beside, idsOf, type MakeBusFixture, onBus, Publisher, plenty, readAll, until } from './fixture.ts'

/** Registered readers, and the retention that never passes them. */
export function readers(make: MakeBusFixture): void {
  test('the first registration fixes the store, and tells a later one where the reader was', () =>
    onBus(make, async (bus, fixture) => {
      const reader = { subscription: 'stock', store: 'one', marks: { s: 5, t: 0 } }
      assert.deepEqual(await bus.register(reader), { marks: undefined })
      await assert.rejects(bus.register({ ...reader, store: 'two' }), { code: 'subscription_taken' })
      await beside(fixture, async (other) => {
        assert.deepEqual(await other.register({ ...reader, marks: { s: 7, u: 1 } }), { marks: { s: 5, t: 0 } })
      })
      assert.deepEqual(await bus.register({ ...reader, marks: {} }), { marks: { s: 7, t: 0, u: 1 } })
    }))

  test('marks move forwards only, and outlive the bus that acknowledged', () =>
    onBus(make, async (bus, fixture) => {
      await bus.register({ subscription: 'stock', store: 'one', marks: { s: 0 } })
      await beside(fixture, async (other) => {
        other.acknowledge('stock', { s: 40, t: 2 })
        other.acknowledge('stock', { s: 30 })
      })
      await until(async () => (await marksOf(bus, 'stock')).s === 40, 'an acknowledged mark is kept')
      assert.deepEqual(await marksOf(bus, 'stock'), { s: 40, t: 2 })
      await bus.register({ subscription: 'stock', store: 'one', marks: { s: 1 } })
      assert.deepEqual(await marksOf(bus, 'stock'), { s: 40, t: 2 })
    }))

  test('a forgotten subscription is gone, free for another store, and not brought back by a late acknowledgement', () =>
    onBus(make, async (bus, fixture) => {
      await bus.register({ subscription: 'stock', store: 'one', marks: { s: 3 } })
      await bus.forget('stock')
      await assert.rejects(bus.forget('stock'), { code: 'not_found' })
      await beside(fixture, async (other) => other.acknowledge('stock', { s: 9 }))
      assert.deepEqual((await bus.status()).readers, [])
      assert.deepEqual(await bus.register({ subscription: 'stock', store: 'two', marks: {} }), { marks: undefined })
    }))

  const retention = make.limits.includes('segmentBytes') && make.limits.includes('keepBytes')
  const limits = { segmentBytes: 10_000, keepBytes: 20_000 }

  test('retention drops what the rules say, and no registered reader has still to read', { skip: !retention }, () =>
    onBus(
      make,
      async (bus) => {
        await bus.register({ subscription: 'slow', store: 'one', marks: { s: 0 } })
        const p = new Publisher('p', 's')
        for (let n = 0; n < 40; n++) await p.append(bus, 2, 1000)
        const all = await readAll(bus, 's')
        assert.deepEqual(idsOf(all), p.ids(), 'nothing is dropped before the reader has read it')
        const half = all[40]?.position ?? 0
        const early = all[10]?.position ?? 0
        bus.acknowledge('slow', { s: half })
        await until(async () => (await firstOf(bus)) > early, 'retention goes on after an acknowledgement')
        assert.deepEqual(idsOf(await readAll(bus, 's', half)), p.ids().slice(40), 'it stops at the reader')
        await bus.forget('slow')
        await until(async () => (await firstOf(bus)) > half, 'retention goes on when the reader is forgotten')
        await until(async () => (await sizeOf(bus)) < 32_000, 'retention goes on to what it must keep')
        assert.ok((await sizeOf(bus)) >= 20_000, 'it drops no more than that')
      },
      limits,
    ),
  )

  test(
    'reading what retention took is refused with position_lost; one event of it is just not there',
    {
      skip: !retention,
    },
    () =>
      onBus(
        make,
        async (bus, fixture) => {
          const p = new Publisher('p', 's')
          await p.append(bus, 2, 1000)
          const oldest = (await readAll(bus, 's')).at(-1)?.position ?? 0
          for (let n = 0; n < 39; n++) await p.append(bus, 2, 1000)
          await until(async () => (await firstOf(bus)) > oldest, 'retention drops the oldest')
          await beside(fixture, async (other) => {
            await assert.rejects(other.read('s', oldest, plenty), { code: 'position_lost' })
            assert.equal(await other.readOne('s', oldest), undefined)
          })
          const first = await firstOf(bus)
          const rest = await readAll(bus, 's', first)
          assert.deepEqual(idsOf(rest), p.ids().slice(-rest.length))
          assert.equal((await bus.status()).streams[0]?.events, rest.length)
        },
        limits,
      ),
  )

  test(
    'at its size limit the bus refuses with overloaded and writes nothing, until there is room again',
    {
      skip: !retention || !make.limits.includes('maxBytes'),
    },
    () =>
      onBus(
        make,
        async (bus) => {
          await bus.register({ subscription: 'slow', store: 'one', marks: { s: 0 } })
          const p = new Publisher('p', 's')
          let accepted = 0
          const fill = async (): Promise<void> => {
            for (;;) {
              await p.send(bus, accepted, accepted + 1, 10, 1000)
              accepted += 10
            }
          }
          await assert.rejects(fill, { code: 'overloaded' })
          assert.ok(accepted > 0)
          assert.equal(await bus.producerMark('p'), accepted)
          assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(accepted), 'nothing of the refused batch is there')
          bus.acknowledge('slow', { s: await bus.head() })
          await until(() => p.send(bus, accepted, accepted + 1, 10, 1000).then(...yesOrOverloaded), 'room comes back')
          assert.equal(await bus.producerMark('p'), accepted + 10)
        },
        { ...limits, maxBytes: 600_000 },
      ),
  )
}

const yesOrOverloaded: [() => boolean, (error: unknown) => boolean] = [
  () => true,
  (error) => {
    assert.equal((error as { code?: string }).code, 'overloaded')
    return false
  },
]

async function marksOf(bus: Bus, subscription: string): Promise<Readonly<Record<string, number>>> {
  return (await bus.status()).readers.find((r) => r.subscription === subscription)?.marks ?? {}
}

async function firstOf(bus: Bus): Promise<number> {
  return (await bus.status()).streams[0]?.first ?? 0
}

async function sizeOf(bus: Bus): Promise<number> {
  return (await bus.status()).streams[0]?.bytes ?? 0
}
