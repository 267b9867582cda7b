import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SkerryError } from '../errors.ts'
import { bind, bindAll, narrow } from './values.ts'

test('whole numbers are bound as 64-bit integers, all others as floats', () => {
  assert.deepEqual(bindAll([0, -0, 5, -7, 2 ** 53 - 1, 0.5, 2 ** 53, 1e300]), [
    0n,
    0n,
    5n,
    -7n,
    9007199254740991n,
    0.5,
    2 ** 53,
    1e300,
  ])
})

test('booleans, dates, objects and arrays are bound as what every engine has', () => {
  const date = new Date(0)
  assert.deepEqual(bindAll([true, false, date, { a: [1] }, [null], null]), [
    1n,
    0n,
    '1970-01-01T00:00:00.000Z',
    '{"a":[1]}',
    '[null]',
    null,
  ])
})

test('a refusal says which parameter it is about, and what to do', () => {
  assert.throws(() => bindAll([1, undefined]), {
    code: 'statement_failed',
    message: /parameter 2 is undefined; pass null/,
  })
  assert.throws(() => bindAll([new URL('a:b')]), { code: 'statement_failed', message: /parameter 1 is a URL/ })
})

test('whatever is bound is either kept or refused, with no other error', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withSparseArray: true }),
      (value) => {
        try {
          const bound = bind(value, 1)
          assert.ok(
            bound === null || ['bigint', 'number', 'string'].includes(typeof bound) || bound instanceof Uint8Array,
          )
        } catch (error) {
          assert.ok(error instanceof SkerryError, String(error))
          assert.equal(error.code, 'statement_failed')
        }
      },
    ),
  )
})

test('an integer read in 64 bits is a number wherever that is exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (whole) => {
      const read = narrow(whole)
      assert.equal(BigInt(read as number | bigint), whole)
      assert.equal(typeof read === 'number', Number.isSafeInteger(Number(whole)))
    }),
    { examples: [[9007199254740991n], [9007199254740992n], [-9007199254740991n], [-9007199254740992n]] },
  )
})
