import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { derivedId, randomIdentity, seededRandom, uuidv7 } from './ids.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const version = (id: string): string | undefined => uuid.exec(id)?.[1]

test('UUIDs of version 7 sort by their time', () =>
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 2 }), fc.integer({ min: 1, max: 1e9 }), (ms, later) => {
      const next = Math.min(ms + later, 2 ** 48 - 1)
      assert.ok(uuidv7(ms) < uuidv7(next))
    }),
  ))

test('a UUID of version 7 holds its time, its version and its variant', () => {
  // The example of RFC 9562, appendix A.6.
  const random = (): Uint8Array => Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f])
  assert.equal(uuidv7(0x017f22e279b0, random), '017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
})

test('a thousand ids of one moment differ', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => uuidv7(1_750_000_000_000)))
  assert.equal(ids.size, 1000)
  for (const id of ids) assert.equal(version(id), '7')
})

test('derived ids are the same for the same parts, in every release', () => {
  assert.equal(derivedId('orders', '1', 'stock', 'id:0'), derivedId('orders', '1', 'stock', 'id:0'))
  assert.equal(derivedId('orders', '1', 'stock', 'id:0'), '151abdaa-af44-88aa-8565-42fa53115265')
})

test('derived ids differ for different parts, also when their text runs together', () =>
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 5 }), fc.array(fc.string(), { maxLength: 5 }), (a, b) => {
      assert.equal(derivedId(...a) === derivedId(...b), JSON.stringify(a) === JSON.stringify(b))
      assert.equal(version(derivedId(...a)), '8')
    }),
  ))

test('derived ids do not take one split of a text for another', () => {
  const ids = [derivedId('ab', 'c'), derivedId('a', 'bc'), derivedId('abc'), derivedId('', 'abc'), derivedId('1:a2:bc')]
  assert.equal(new Set(ids).size, ids.length)
})

test('identities are 32 digits, and never twice the same', () => {
  const all = Array.from({ length: 100 }, randomIdentity)
  assert.equal(new Set(all).size, 100)
  for (const identity of all) assert.match(identity, /^[0-9a-f]{32}$/)
})

test('seeded randomness repeats for its seed, and spreads over [0, 1)', () => {
  const [a, b, other] = [seededRandom('seed'), seededRandom('seed'), seededRandom('seed 2')]
  const drawn = Array.from({ length: 1000 }, () => a())
  assert.deepEqual(
    drawn,
    Array.from({ length: 1000 }, () => b()),
  )
  assert.notEqual(drawn[0], other())
  assert.ok(drawn.every((n) => n >= 0 && n < 1))
  const mean = drawn.reduce((sum, n) => sum + n, 0) / drawn.length
  assert.ok(mean > 0.45 && mean < 0.55, `mean ${mean}`)
})
