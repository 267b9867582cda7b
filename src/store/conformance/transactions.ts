import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../errors.ts'
import type { StoreTx } from '../store.ts'
import { itemIds, type MakeStoreFixture, onStore, sqlOf } from './fixture.ts'

/** Atomicity: transactions, and the savepoints that batch-mates have in them. */
export function transactions(make: MakeStoreFixture): void {
  test('a write commits when its work resolves, and resolves with its value', () =>
    onStore(make, async (store) => {
      const value = await store.write(async (tx) => {
        await sqlOf(tx)`insert into item (id) values (${1})`
        return 'done'
      })
      assert.equal(value, 'done')
      assert.deepEqual(await itemIds(store), [1])
    }))

  test('a write whose work throws changes nothing, and rejects with what was thrown', () =>
    onStore(make, async (store) => {
      const thrown = new Error('no')
      const write = store.write(async (tx) => {
        await sqlOf(tx)`insert into item (id) values (${1})`
        throw thrown
      })
      await assert.rejects(write, (error) => error === thrown)
      assert.deepEqual(await itemIds(store), [])
    }))

  test('writes run one at a time, in the order of asking, and a failed one lets the next in', () =>
    onStore(make, async (store) => {
      const seen: string[] = []
      const write = (name: string) =>
        store.write(async (tx) => {
          seen.push(`${name} begins`)
          await tx.all('select 1 as one')
          await new Promise((resolve) => setImmediate(resolve))
          seen.push(`${name} ends`)
          if (name === 'b') throw new Error('no')
        })
      await Promise.allSettled([write('a'), write('b'), write('c')])
      assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
    }))

  test('rolling a savepoint back undoes one event and keeps its batch-mates', () =>
    onStore(make, async (store) => {
      await store.write(async (tx) => {
        for (const id of [1, 2, 3]) {
          await tx.savepoint()
          await sqlOf(tx)`insert into item (id) values (${id})`
          await (id === 2 ? tx.rollback() : tx.release())
        }
        assert.equal(tx.alive, true)
      })
      assert.deepEqual(await itemIds(store), [1, 3])
    }))

  test('a whole transaction keeps what its savepoints kept', () =>
    onStore(make, async (store) => {
      await store.write(async (tx) => {
        for (const id of [1, 2, 3]) {
          await tx.savepoint()
          await sqlOf(tx)`insert into item (id) values (${id})`
          await tx.release()
        }
      }, 'whole')
      assert.deepEqual(await itemIds(store), [1, 2, 3])
    }))

  test('rolling back in a whole transaction undoes one event, or all of it and asks for it again', () =>
    onStore(make, async (store) => {
      let forShow = false
      for (const failing of [false, true]) {
        const write = store.write(async (tx) => {
          forShow = tx.whole
          await tx.savepoint()
          await sqlOf(tx)`insert into item (id) values (${1})`
          await tx.release()
          await tx.savepoint()
          await sqlOf(tx)`insert into item (id) values (${failing ? 1 : 2})`.catch(() => undefined)
          assert.equal(tx.alive, true)
          const rolledBack = tx.rollback()
          if (tx.whole) await assert.rejects(rolledBack, { code: 'conflict' })
          else await rolledBack
          assert.equal(tx.alive, !tx.whole)
          if (!tx.whole) await sqlOf(tx)`delete from item where id = 1`
        }, 'whole')
        const refused = await write.then(
          () => undefined,
          (error: unknown) => codeOf(error),
        )
        assert.equal(refused, forShow ? 'conflict' : undefined)
      }
      assert.deepEqual(await itemIds(store), [])
      await store.write((tx) => sqlOf(tx)`insert into item (id) values (3)`)
      assert.deepEqual(await itemIds(store), [3])
    }))

  test('what a savepoint kept is undone with its transaction', () =>
    onStore(make, async (store) => {
      const write = store.write(async (tx) => {
        await tx.savepoint()
        await sqlOf(tx)`insert into item (id) values (${1})`
        await tx.release()
        throw new Error('no')
      })
      await assert.rejects(write, { message: 'no' })
      assert.deepEqual(await itemIds(store), [])
    }))

  test('there is one savepoint at a time', () =>
    onStore(make, async (store) => {
      await assert.rejects(
        store.write((tx) => tx.release()),
        { code: 'statement_refused' },
      )
      await assert.rejects(
        store.write((tx) => tx.rollback()),
        { code: 'statement_refused' },
      )
      const twice = async (tx: StoreTx) => {
        await tx.savepoint()
        await tx.savepoint()
      }
      await assert.rejects(store.write(twice), { code: 'statement_refused' })
    }))

  test('a failed statement dooms its savepoint, even when its error is swallowed; batch-mates commit', () =>
    onStore(make, async (store) => {
      await store.write(async (tx) => {
        await tx.savepoint()
        await sqlOf(tx)`insert into item (id, label) values (1, 'same')`
        await tx.release()
        await tx.savepoint()
        await sqlOf(tx)`insert into item (id) values (2)`
        await sqlOf(tx)`insert into item (id, label) values (3, 'same')`.catch(() => undefined)
        await assert.rejects(sqlOf(tx)`insert into item (id) values (4)`, { code: 'statement_failed' })
        await assert.rejects(tx.run('insert into item (id) values (?)', 5), { code: 'statement_failed' })
        await assert.rejects(tx.release(), { code: 'statement_failed' })
        assert.equal(tx.alive, true, 'rolling back still helps')
        await tx.rollback()
        await sqlOf(tx)`insert into item (id) values (6)`
      })
      assert.deepEqual(await itemIds(store), [1, 6])
    }))

  test('a failed statement outside of a savepoint dooms the transaction, even when its error is swallowed', () =>
    onStore(make, async (store) => {
      const write = store.write(async (tx) => {
        await sqlOf(tx)`insert into item (id) values (1)`
        await sqlOf(tx)`insert into item (id) values (1)`.catch(() => undefined)
        assert.equal(tx.alive, false)
        await sqlOf(tx)`insert into item (id) values (2)`.catch(() => undefined)
      })
      await assert.rejects(write, { code: 'statement_failed' })
      assert.deepEqual(await itemIds(store), [])
    }))

  test('a failing statement is named, and its cause is kept', () =>
    onStore(make, async (store) => {
      const write = store.write(
        (tx) => sqlOf(tx)`
        insert into nowhere
        values (${1})`,
      )
      await assert.rejects(write, (error: Error & { code?: string }) => {
        assert.equal(error.code, 'statement_failed')
        assert.match(error.message, /nowhere.*insert into nowhere/s)
        assert.doesNotMatch(error.message, /values/, 'the first line is enough to find it')
        return error.cause instanceof Error
      })
    }))

  test('a deferred constraint that fails at commit rolls everything back, and lets go of the store', () =>
    onStore(make, async (store, fixture) => {
      const write = store.write(async (tx) => {
        await sqlOf(tx)`insert into item (id) values (1)`
        await sqlOf(tx)`insert into part (id, item) values (1, 99)`
      })
      await assert.rejects(write, { code: 'statement_failed' })
      assert.deepEqual(await itemIds(store), [])
      const other = await fixture.open()
      await other.write((tx) => sqlOf(tx)`insert into item (id) values (2)`)
      await other.close()
      await store.write((tx) => sqlOf(tx)`insert into item (id) values (3)`)
      assert.deepEqual(await itemIds(store), [2, 3])
    }))

  test('a transaction used after its end refuses every statement', () =>
    onStore(make, async (store) => {
      const tx = await store.write(async (it) => it)
      await assert.rejects(tx.run('insert into item (id) values (?)', 1), { code: 'tx_ended' })
      await assert.rejects(sqlOf(tx)`insert into item (id) values (1)`, { code: 'tx_ended' })
      for (const late of [
        () => tx.savepoint(),
        () => tx.release(),
        () => tx.rollback(),
        () => tx.all('select 1 as one'),
      ])
        await assert.rejects(late, { code: 'tx_ended' })
      const reader = await store.read(async (it) => it)
      await assert.rejects(reader.all('select 1 as one'), { code: 'tx_ended' })
      // Another transaction on the same connection must not lend itself to the old one.
      await store.write(async () => assert.rejects(tx.run('insert into item (id) values (?)', 1), { code: 'tx_ended' }))
      assert.deepEqual(await itemIds(store), [])
    }))

  test('closing waits for the write that runs; what comes later is refused', () =>
    onStore(make, async (store, fixture) => {
      let closing: Promise<void> | undefined
      await store.write(async (tx) => {
        closing = store.close()
        await sqlOf(tx)`insert into item (id) values (1)`
      })
      await assert.rejects(
        store.write(async () => {}),
        { code: 'closed' },
      )
      await assert.rejects(
        store.read(async () => {}),
        { code: 'closed' },
      )
      await closing
      const again = await fixture.open()
      assert.deepEqual(await itemIds(again), [1])
      await again.close()
    }))
}
