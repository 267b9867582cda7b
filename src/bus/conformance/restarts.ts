import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../errors.ts'
import type { Bus } from '../bus.ts'
import { follow, idsOf, type MakeBusFixture, onFixture, Publisher, readAll, sorted } from './fixture.ts'

/** The death of the writer, or of the server, in the middle of everything. */
export function restarts(make: MakeBusFixture): void {
  const skip = !make.restartable

  test(
    'the writer dies twice while 100 publishers send 10,000 events: all arrive, each once, at every reader',
    { skip },
    () =>
      onFixture(
        make,
        async (fixture) => {
          const bus = await fixture.open()
          const reader = await fixture.open()
          const publishers = Array.from({ length: 100 }, (_, n) => new Publisher(`p${n}`, 's'))
          let accepted = 0
          const thirds = [gate(), gate()]
          const publish = async (publisher: Publisher): Promise<void> => {
            for (let n = 0; n < 100; n++) {
              await persist(bus, publisher, n)
              if (++accepted === 3333) thirds[0]?.open()
              if (accepted === 5000) thirds[1]?.open()
            }
          }
          const reading = [follow(reader, 's', 10_000), follow(bus, 's', 10_000)]
          const publishing = Promise.all(publishers.map(publish))
          for (const third of thirds) {
            await third.passed
            await fixture.restart?.()
          }
          await publishing
          const expected = sorted(publishers.flatMap((p) => p.ids(100)))
          for (const read of await Promise.all(reading)) assert.deepEqual(sorted(idsOf(read)), expected)
          assert.equal((await readAll(bus, 's')).length, 10_000, 'nothing was stored twice')
          await reader.close()
          await bus.close()
        },
        { restart: true },
      ),
  )

  test('a restart takes nothing from the registry, the marks of producers and the lineage', { skip }, () =>
    onFixture(
      make,
      async (fixture) => {
        const bus = await fixture.open()
        const p = new Publisher('p', 's')
        await p.append(bus, 3)
        await bus.register({ subscription: 'stock', store: 'one', marks: { s: 2 } })
        const before = await bus.lineage()
        await fixture.restart?.()
        await persist(bus, p, 3)
        assert.equal(await bus.producerMark('p'), 4)
        assert.deepEqual(await bus.register({ subscription: 'stock', store: 'one', marks: {} }), { marks: { s: 2 } })
        const after = await bus.lineage()
        assert.equal(after.bus, before.bus)
        assert.deepEqual(after.incarnations.slice(0, before.incarnations.length), before.incarnations)
        assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(4))
        await bus.close()
      },
      { restart: true },
    ),
  )
}

/** Appends the event after `last`, again and again while the bus cannot say whether it has it. */
async function persist(bus: Bus, publisher: Publisher, last: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await publisher.send(bus, last, last + 1, 1)
    } catch (error) {
      assert.ok(codeOf(error) === 'unavailable' && tries < 100, String(error))
    }
  }
}

function gate(): { open: () => void; passed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, passed: promise }
}
