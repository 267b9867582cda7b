import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type SqliteFixture, sqliteFixture } from '../../store/sqlite/fixture.ts'
import type { SqliteStore } from '../../store/sqlite/store.ts'
import type { LoadCounts, SecondCounts } from './counts.ts'
import { primaryKeys } from './keys.ts'
import { finest } from './ladder.ts'
import { foldOldestHour, keptDays, putSeconds, readSums } from './records.ts'

const hour = 3600
const day = 24 * hour
const start = 20_000 * day

const counted = (second: number, moment: LoadCounts = [3, 1, 1, 1, 1]): SecondCounts => ({
  second,
  pairs: [
    {
      ...{ a: 's/x.a', b: 's/x.b', 'same-key': [], 'same-moment': [moment] },
      conflicts: { windows: 4, rows: 1, possible: 2, reruns: 0, tables: ['t'] },
    },
  ],
})

describe('what was counted', () => {
  let fixture: SqliteFixture
  let store: SqliteStore
  before(async () => {
    fixture = await sqliteFixture()
    store = await fixture.open()
  })
  after(async () => {
    await store.close()
    await fixture.dispose()
  })

  const put = (member: string, ...seconds: SecondCounts[]) => store.write((tx) => putSeconds(tx, member, seconds))
  const rows = (table: string) =>
    store.read(async (tx) => (await tx.all<{ n: number }>(`select count(*) as n from ${table}`))[0]?.n)
  const foldAt = (second: number) => store.write((tx) => foldOldestHour(tx, second * 1000))

  test('is seen at once, and comes to the same when its hour is folded', async () => {
    await put('one', counted(start), counted(start + 10))
    await put('two', counted(start))
    const [seen, ...none] = await store.read(readSums)
    assert.deepEqual(none, [])
    assert.equal(finest(seen?.['same-moment'] ?? []).units, 12)
    // Three strata of four units, each with one joint failure where one is expected.
    assert.deepEqual([finest(seen?.['same-moment'] ?? []).expected, seen?.conflicts.windows], [3, 12])
    assert.equal(await foldAt(start + hour + 59), false)
    assert.equal(await foldAt(start + hour + 60), true)
    assert.deepEqual([await rows('skerry_measured'), await rows('skerry_independence')], [0, 1])
    assert.deepEqual(await store.read(readSums), [seen])
  })

  test('of two instances makes strata of its own, also within an hour', async () => {
    const [sums] = await store.read(readSums)
    // Over an hour one instance has eight units in one stratum; the other keeps its four.
    const widest = sums?.['same-moment'][0]
    assert.ok(widest && Math.abs(widest.variance - ((4 * 4 * 4 * 4) / (64 * 7) + (2 * 2 * 2 * 2) / (16 * 3))) < 1e-9)
  })

  test('is folded an hour at a time, into the sums of its day', async () => {
    await put('one', counted(start + 5 * hour), counted(start + 7 * hour), counted(start + day))
    for (const left of [2, 1, 0]) {
      assert.equal(await foldAt(start + 2 * day), true)
      assert.equal(await rows('skerry_measured'), left)
    }
    assert.equal(await foldAt(start + 2 * day), false)
    assert.equal(await rows('skerry_independence'), 2)
  })

  test('is forgotten after so many days', async () => {
    await put('one', counted(start + keptDays * day))
    await foldAt(start + (keptDays + 1) * day)
    assert.equal(await rows('skerry_independence'), 1)
    assert.equal(finest((await store.read(readSums))[0]?.['same-moment'] ?? []).units, 4)
  })

  test('twice under one name and second counts once', async () => {
    await put('one', counted(start + 40 * day))
    await put('one', counted(start + 40 * day))
    assert.equal(await rows('skerry_measured'), 1)
  })
})

test('the keys of a service’s tables are known in their order, and only those', async () => {
  const fixture = await sqliteFixture()
  const sql = `create table one (b text, a text, n int, primary key (a, B)); create table none (n int);
    create table "Two" (id integer primary key)`
  const store = await fixture.open({ migrations: [{ number: 1, name: 'tables', sql, additive: true }] })
  try {
    const keys = await store.read(primaryKeys)
    assert.deepEqual(Object.fromEntries(keys), { one: ['a', 'b'], two: ['id'] })
  } finally {
    await store.close()
    await fixture.dispose()
  }
})
