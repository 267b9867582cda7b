import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../errors.ts'
import { seededRandom } from '../../ids.ts'
import type { StoreTx } from '../store.ts'
import { itemIds, type MakeStoreFixture, onStore, sqlOf } from './fixture.ts'

const random = seededRandom('huge')
/** Four million letters that no engine can squeeze into less. */
const huge = Array.from({ length: 4_000_000 }, () => String.fromCharCode(33 + 94 * random())).join('')

/** What the machine does to a transaction. */
export function failures(make: MakeStoreFixture): void {
  test('a full disk ends the whole transaction, and nothing of it slips out', () =>
    onStore(make, async (store, fixture) => {
      const freeDisk = await fixture.fillDisk(store)
      const refused = new Refused()
      const write = store.write(async (tx) => {
        await tx.savepoint()
        await sqlOf(tx)`insert into item (id) values (1)`
        await tx.release()
        await tx.savepoint()
        await refused.by(tx, sqlOf(tx)`insert into item (id, body) values (2, ${huge})`)
      })
      await assert.rejects(write, { code: 'disk_full' })
      refused.all()
      assert.deepEqual(await itemIds(store), [])
      await freeDisk()
      await store.write(async (tx) => void (await sqlOf(tx)`insert into item (id, body) values (3, ${huge})`))
      assert.deepEqual(await itemIds(store), [3])
    }))

  test('a full disk is the reason even when the handler made an error of its own of it', () =>
    onStore(make, async (store, fixture) => {
      const freeDisk = await fixture.fillDisk(store)
      const write = store.write(async (tx) => {
        await tx.savepoint()
        await sqlOf(tx)`insert into item (id, body) values (2, ${huge})`.catch(() => {
          throw new Error('could not save')
        })
      })
      await assert.rejects(write, { code: 'disk_full' })
      await freeDisk()
    }))

  test('a statement that changes many rows and finds the disk full ends the transaction, too', () =>
    onStore(make, async (store, fixture) => {
      await store.write(async (tx) => {
        for (let id = 1; id <= 50; id++) await sqlOf(tx)`insert into item (id) values (${id})`
      })
      const freeDisk = await fixture.fillDisk(store)
      const refused = new Refused()
      const write = store.write(async (tx) => {
        await tx.savepoint()
        await sqlOf(tx)`update item set n = 1`
        await refused.by(tx, sqlOf(tx)`update item set body = ${huge.slice(0, 100_000)} || id`)
      })
      await assert.rejects(write, { code: 'disk_full' })
      refused.all()
      await freeDisk()
      assert.deepEqual(await store.read((tx) => sqlOf(tx)`select distinct n, body from item`), [{ n: 0, body: null }])
    }))
}

/** What a transaction makes of statements after a full disk. Kept for later: thrown inside, it would lose to the disk. */
class Refused {
  #alive: boolean | undefined
  #codes: unknown[] = []

  async by(tx: StoreTx, first: Promise<unknown>): Promise<void> {
    const codes = [await first.then(() => 'no error', codeOf)]
    for (const next of [
      () => tx.rollback(),
      () => tx.release(),
      () => tx.savepoint(),
      () => tx.run('insert into item (id) values (?)', 101),
      () => tx.all('select id from item'),
      () => sqlOf(tx)`insert into item (id) values (102)`,
    ])
      codes.push(await next().then(() => 'no error', codeOf))
    this.#codes = codes
    this.#alive = tx.alive
  }

  all(): void {
    assert.deepEqual(this.#codes, Array(7).fill('disk_full'))
    assert.equal(this.#alive, false)
  }
}
