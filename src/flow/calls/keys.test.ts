import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sqliteFixture } from '../../store/sqlite/fixture.ts'
import type { Store } from '../../store/store.ts'
import { forgetKeys, forgetLimit, intend, type Keyed, known, remember, withdraw } from './keys.ts'

const keyed = (key: string, more: Partial<Keyed> = {}): Keyed => ({
  ...{ call: 'shop.place', key, digest: 'd', owner: 'me', forget: 1000 },
  ...more,
})

async function onStore(work: (store: Store) => Promise<void>): Promise<void> {
  const fixture = await sqliteFixture()
  const store = await fixture.open()
  try {
    await work(store)
  } finally {
    await store.close()
    await fixture.dispose()
  }
}

const keys = (store: Store): Promise<string[]> =>
  store.read(async (tx) =>
    (await tx.all<{ key: string }>('select key from skerry_call order by key')).map((r) => r.key),
  )

test('what is older than its time is forgotten, some at a time', () =>
  onStore(async (store) => {
    await store.write(async (tx) => {
      for (let n = 0; n < forgetLimit + 1; n++) await remember(tx, keyed(`${n}`), { reason: null, text: '1' })
      await remember(tx, keyed('kept', { forget: 1001 }), { reason: null, text: '1' })
    })
    assert.equal(await store.write((tx) => forgetKeys(tx, 999)), false)
    assert.equal((await keys(store)).length, forgetLimit + 2)
    assert.equal(await store.write((tx) => forgetKeys(tx, 1000)), true)
    assert.equal((await keys(store)).length, 2)
    assert.equal(await store.write((tx) => forgetKeys(tx, 1000)), false)
    assert.deepEqual(await keys(store), ['kept'])
  }))

test('a key is withdrawn by its owner only, and an answer by nobody', () =>
  onStore(async (store) => {
    await store.write(async (tx) => {
      await intend(tx, keyed('a'), 500)
      await withdraw(tx, keyed('a', { owner: 'other' }))
      assert.deepEqual(await known(tx, keyed('a'), 0), { state: 'running', owner: 'me', until: 500 })
      await withdraw(tx, keyed('a'))
      assert.deepEqual(await known(tx, keyed('a'), 0), { state: 'new' })
      await remember(tx, keyed('a'), { reason: 'full', text: '{"left":1}' })
      await withdraw(tx, keyed('a'))
      const answer = { reason: 'full', text: '{"left":1}' }
      assert.deepEqual(await known(tx, keyed('a'), 0), { state: 'answered', answer })
    })
  }))
