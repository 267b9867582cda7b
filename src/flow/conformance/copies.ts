import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MakeFlowFixture } from './fixture.ts'
import { type House, inHouse, upTo } from './house.ts'
import { Ear, listener, record } from './words.ts'

const asItIs = { asItIs: true }
const refused = { code: 'log_changed' } as const

/** Files that were deleted, or restored from a copy: a start that would lose or repeat something is refused. */
export function copies(make: MakeFlowFixture): void {
  test('Exactly-once effects: a bus that was deleted is not taken for the old one', () =>
    inHouse(
      make,
      async (house) => {
        const service = listener({}, record)
        await run(house, service, [1])
        await house.fixture.remove('bus')
        await assert.rejects(house.open([service]), { ...refused, message: /^ear: .*another bus/ })
      },
      asItIs,
    ))

  test('Exactly-once effects: a bus restored from an older copy is refused', () =>
    inHouse(
      make,
      async (house) => {
        const service = listener({}, record)
        await run(house, service, [1])
        const restore = await house.fixture.copy('bus')
        await run(house, service, [2, 3])
        await restore()
        await assert.rejects(house.open([service]), refused)
      },
      asItIs,
    ))

  test('Exactly-once effects: nor is it accepted when others have written on from the older copy', () =>
    inHouse(
      make,
      async (house) => {
        const service = listener({}, record)
        await run(house, service, [1])
        const restore = await house.fixture.copy('bus')
        await run(house, service, [2, 3])
        await restore()
        const outside = await house.open([])
        await house.say(outside, upTo(50))
        await house.stop(outside)
        await assert.rejects(house.open([service]), refused)
      },
      asItIs,
    ))

  test('Exactly-once effects: a store restored from an older copy is refused', () =>
    inHouse(
      make,
      async (house) => {
        const service = listener({}, record)
        await run(house, service, [1])
        const restore = await house.fixture.copy({ store: 'ear' })
        await run(house, service, [2, 3])
        await restore()
        await assert.rejects(house.open([service]), { ...refused, message: /ear\/ears.*older copy/s })
      },
      asItIs,
    ))

  test('Exactly-once effects: a restored store that had emitted more is refused', () =>
    inHouse(
      make,
      async (house) => {
        const service = listener({}, async (tx, event) => {
          await tx.publish(Ear.heard, event.data)
        })
        await run(house, service, [1])
        const restore = await house.fixture.copy({ store: 'ear' })
        await run(house, service, [2, 3])
        await restore()
        await assert.rejects(house.open([service]), { ...refused, message: /older copy/ })
      },
      asItIs,
    ))

  test('Exactly-once effects: bus and store restored together go on from there', () =>
    inHouse(make, async (house) => {
      const service = listener({}, record)
      await run(house, service, [1])
      const restores = [await house.fixture.copy('bus'), await house.fixture.copy({ store: 'ear' })]
      await run(house, service, [2, 3])
      for (const restore of restores) await restore()
      await run(house, service, [4])
      assert.deepEqual(await house.numbers(service), [1, 4])
    }))
}

async function run(house: House, service: ReturnType<typeof listener>, numbers: number[]): Promise<void> {
  const app = await house.open([service])
  await house.say(app, numbers)
  await house.settled(app)
  await house.stop(app)
}
