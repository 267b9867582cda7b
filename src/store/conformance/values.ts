import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { seededRandom } from '../../ids.ts'
import type { Store } from '../store.ts'
import { type MakeStoreFixture, onStore, sqlOf } from './fixture.ts'

const most = Number.MAX_SAFE_INTEGER

type Column = 'whole' | 'fraction' | 'words' | 'bytes'

/** The table of `store/values.ts`, line by line: column, what is bound, what is read back. */
const lines: readonly (readonly [Column, unknown, unknown])[] = [
  ['words', null, null],
  ['whole', null, null],
  ['whole', 0, 0],
  ['whole', -1, -1],
  ['whole', most, most],
  ['whole', -most, -most],
  ['whole', -0, 0],
  ['fraction', 0.1, 0.1],
  ['fraction', -1.5e300, -1.5e300],
  ['fraction', 5, 5],
  ['fraction', -0, 0],
  ['words', 5, '5'],
  ['whole', 5n, 5],
  ['whole', BigInt(most), most],
  ['whole', BigInt(most) + 1n, BigInt(most) + 1n],
  ['whole', -BigInt(most) - 2n, -BigInt(most) - 2n],
  ['whole', 2n ** 63n - 1n, 2n ** 63n - 1n],
  ['whole', -(2n ** 63n), -(2n ** 63n)],
  ['whole', true, 1],
  ['whole', false, 0],
  ['words', '', ''],
  ['words', 'it’s 😀 "quoted" \'twice\'\n', 'it’s 😀 "quoted" \'twice\'\n'],
  ['words', new Date(1_291_190_760_123), '2010-12-01T08:06:00.123Z'],
  ['words', { a: [1, 'two', null] }, '{"a":[1,"two",null]}'],
  ['words', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ['words', [1, 'two', null], '[1,"two",null]'],
  ['bytes', new Uint8Array([0, 255, 7]), new Uint8Array([0, 255, 7])],
  ['bytes', Buffer.from('skerry').subarray(1, 3), new Uint8Array([107, 101])],
  ['bytes', new Uint8Array(), new Uint8Array()],
]

const cycle: unknown[] = []
cycle.push(cycle)

const refused: readonly unknown[] = [
  undefined,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2n ** 63n,
  -(2n ** 63n) - 1n,
  'half a pair \ud800',
  new Date(Number.NaN),
  cycle,
  { big: 1n },
  () => 1,
  Symbol('s'),
  new Map(),
  new (class Money {})(),
]

/** How values map. */
export function values(make: MakeStoreFixture): void {
  test('every line of the table of values holds, read by a select and by `returning`', () =>
    onStore(make, async (store) => {
      await createKinds(store)
      for (const [column, bound, expected] of lines) {
        assert.deepEqual(await returned(store, column, bound), expected, `${column} ${inspect(bound)} returned`)
        assert.deepEqual(await selected(store, column), expected, `${column} ${inspect(bound)} selected`)
      }
    }))

  test('what an engine would change in silence is refused, and the parameter numbered', () =>
    onStore(make, async (store) => {
      for (const value of refused)
        await assert.rejects(
          store.write((tx) => sqlOf(tx)`update item set label = ${'fine'}, n = ${value}`),
          { code: 'statement_failed', message: /parameter 2/ },
          inspect(value),
        )
    }))

  test('large and small integers come out of the same column', () =>
    onStore(make, async (store) => {
      await createKinds(store)
      await store.write(async (tx) => {
        for (const n of [1n, 2n ** 60n, 3n]) await sqlOf(tx)`insert into kinds (whole) values (${n})`
      })
      for (let again = 0; again < 2; again++) {
        const rows = await store.read((tx) => sqlOf(tx)`select whole from kinds order by whole`)
        assert.deepEqual(rows, [{ whole: 1 }, { whole: 3 }, { whole: 2n ** 60n }])
      }
    }))

  test('random integers, floats, texts and bytes come back as they were', () =>
    onStore(make, async (store) => {
      await createKinds(store)
      const random = seededRandom('values')
      for (let i = 0; i < 200; i++) {
        const whole = BigInt.asIntN(1 + Math.floor(random() * 64), BigInt(Math.floor(random() * most)) ** 2n)
        const narrowed = whole >= -BigInt(most) && whole <= BigInt(most) ? Number(whole) : whole
        assert.equal(await returned(store, 'whole', whole), narrowed)
        const float = (random() - 0.5) * 10 ** Math.floor(random() * 600 - 300)
        assert.equal(await returned(store, 'fraction', float), float)
        const text = Array.from({ length: 8 }, () => String.fromCodePoint(1 + Math.floor(random() * 0xd7fe))).join('')
        assert.equal(await returned(store, 'words', text), text)
        const bytes = Uint8Array.from({ length: Math.floor(random() * 40) }, () => random() * 256)
        assert.deepEqual(await returned(store, 'bytes', bytes), bytes)
      }
    }))
}

// Bookkeeping statements may create tables; a migration could not be told the dialect.
async function createKinds(store: Store): Promise<void> {
  const types =
    store.dialect === 'sqlite'
      ? 'whole integer, fraction real, words text, bytes blob'
      : 'whole bigint, fraction double precision, words text, bytes bytea'
  await store.write((tx) => tx.run(`create table kinds (${types})`))
}

function returned(store: Store, column: Column, value: unknown): Promise<unknown> {
  return store.write(async (tx) => {
    const sql = sqlOf(tx)
    await sql`delete from kinds`
    if (column === 'whole') return (await sql`insert into kinds (whole) values (${value}) returning whole`)[0]?.whole
    if (column === 'fraction')
      return (await sql`insert into kinds (fraction) values (${value}) returning fraction`)[0]?.fraction
    if (column === 'words') return (await sql`insert into kinds (words) values (${value}) returning words`)[0]?.words
    return (await sql`insert into kinds (bytes) values (${value}) returning bytes`)[0]?.bytes
  })
}

async function selected(store: Store, column: Column): Promise<unknown> {
  const [row] = await store.read((tx) => sqlOf(tx)`select whole, fraction, words, bytes from kinds`)
  return row?.[column]
}
