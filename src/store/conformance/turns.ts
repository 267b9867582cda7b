import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Store, StoreOptions } from '../store.ts'
import { itemIds, items, type MakeStoreFixture, onFixture, type StoreFixture, sqlOf } from './fixture.ts'

/** Turns: the right to begin, granted among the processes that share a store. */
export function turns(make: MakeStoreFixture): void {
  test('where processes write side by side, nobody asks for a turn', () =>
    onFixture(make, async (fixture) => {
      let asked = 0
      const turn = async () => {
        asked++
        return () => {}
      }
      const store = await fixture.open({ migrations: [items], turn })
      await store.write(async (tx) => void (await sqlOf(tx)`insert into item (id) values (1)`))
      await store.close()
      assert.equal(asked > 0, fixture.writers !== 'several')
    }))

  test('a write begins when its turn is granted, and gives it back after the commit', async (t) => {
    const seen: string[] = []
    const granted = Promise.withResolvers<void>()
    const turn = async () => {
      seen.push('asked')
      await granted.promise
      return () => seen.push('given back')
    }
    await inTurns(
      t,
      make,
      async (store) => {
        seen.length = 0
        const write = store.write(async (tx) => {
          seen.push('begun')
          await sqlOf(tx)`insert into item (id) values (1)`
        })
        await itemIds(store)
        assert.deepEqual(seen, ['asked'])
        granted.resolve()
        await write
        assert.deepEqual(seen, ['asked', 'begun', 'given back'])
      },
      { turn: turn as () => Promise<() => void> },
    )
  })

  test('a turn is given back when the work fails', async (t) => {
    let held = 0
    const turn = async () => {
      held++
      return () => void held--
    }
    await inTurns(
      t,
      make,
      async (store) => {
        await assert.rejects(
          store.write(() => Promise.reject(new Error('no'))),
          { message: 'no' },
        )
        assert.equal(held, 0)
      },
      { turn },
    )
  })

  test('a turn that is refused rejects the write, and the next one asks again', async (t) => {
    let asked = 0
    const turn = async () => {
      if (++asked === 1) throw new Error('nobody grants turns')
      return () => {}
    }
    await inTurns(
      t,
      make,
      async (store) => {
        await assert.rejects(
          store.write(async () => {}),
          { message: 'nobody grants turns' },
        )
        await store.write(async (tx) => void (await sqlOf(tx)`insert into item (id) values (1)`))
        assert.deepEqual(await itemIds(store), [1])
      },
      { turn },
    )
  })
}

/** Runs `test` where turns are asked for; the test before says what holds elsewhere. */
function inTurns(
  t: TestContext,
  make: MakeStoreFixture,
  test: (store: Store) => Promise<void>,
  options: StoreOptions,
): Promise<void> {
  return onFixture(make, async (fixture: StoreFixture) => {
    if (fixture.writers === 'several') return t.skip('processes write side by side')
    const store = await fixture.open({ migrations: [items], ...options })
    try {
      await test(store)
    } finally {
      await store.close()
    }
  })
}
