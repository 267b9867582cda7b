import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ErrorCode, errorCodes, SkerryError } from '../errors.ts'
import { backoff, decideRetry, defaultRetry, freeConflicts, type RetryPolicy } from './retry.ts'

const half = (): number => 0.5
const steady: RetryPolicy = { ...defaultRetry, jitter: 0 }
const codes = Object.keys(errorCodes) as ErrorCode[]
const thrown = (code: ErrorCode, options = {}): SkerryError => new SkerryError(code, 'test', options)

test('each code does what the table of errors says', () => {
  for (const code of codes) {
    const decision = decideRetry(thrown(code), 0, 0, steady, half)
    const expected = { never: 'dead', attempt: true, free: false }[errorCodes[code]]
    assert.equal(decision.kind === 'dead' ? 'dead' : decision.charged, expected, code)
  }
})

test('anything that is not ours counts as failed, and is tried again', () => {
  for (const error of [new Error('x'), 'text', undefined, null, 7, { code: 'terminal' }])
    assert.deepEqual(decideRetry(error, 0, 0, steady, half), { kind: 'retry', waitMs: 200, charged: true })
})

test('the last attempt ends it', () => {
  assert.equal(decideRetry(new Error('x'), 8, 0, steady, half).kind, 'retry')
  assert.equal(decideRetry(new Error('x'), 9, 0, steady, half).kind, 'dead')
  assert.equal(decideRetry(new Error('x'), 0, 0, { ...steady, attempts: 1 }, half).kind, 'dead')
})

test('free codes never end it', () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...codes.filter((code) => errorCodes[code] === 'free' && code !== 'version_conflict')),
      fc.nat(),
      fc.nat(),
      (code, attempts, reruns) => {
        const decision = decideRetry(thrown(code), attempts, reruns, steady, half)
        assert.ok(decision.kind === 'retry' && !decision.charged)
      },
    ),
  ))

test('a version conflict runs again at once, for free, as often as the limit says; then it is an attempt', () => {
  const conflict = thrown('version_conflict')
  for (let reruns = 0; reruns < freeConflicts; reruns++)
    assert.deepEqual(decideRetry(conflict, 9, reruns, steady, half), { kind: 'retry', waitMs: 0, charged: false })
  assert.deepEqual(decideRetry(conflict, 0, freeConflicts, steady, half), { kind: 'retry', waitMs: 200, charged: true })
  assert.equal(decideRetry(conflict, 9, freeConflicts, steady, half).kind, 'dead')
})

test('who knows how long to wait is heard', () => {
  const decision = decideRetry(thrown('unavailable', { retryAfterMs: 1234 }), 0, 5, steady, half)
  assert.deepEqual(decision, { kind: 'retry', waitMs: 1234, charged: false })
})

test('waits double, up to the longest', () => {
  const waits = [0, 1, 2, 3, 10, 11, 100, 1e9].map((n) => backoff(n, steady, half))
  assert.deepEqual(waits, [200, 400, 800, 1600, 204_800, 300_000, 300_000, 300_000])
})

test('jitter shortens a wait by at most its share, and never lengthens it', () =>
  fc.assert(
    fc.property(fc.nat({ max: 40 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, drawn) => {
      const full = backoff(n, steady, half)
      const wait = backoff(n, defaultRetry, () => drawn)
      assert.ok(wait <= full && wait >= Math.floor(full / 2))
    }),
  ))
