import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from './state.ts'
import { afterOutcomes, spoiled, trustful, trusts } from './trust.ts'

const handled: Outcome = { kind: 'handled' }
const failed: Outcome = {
  kind: 'retry',
  due: 0,
  tries: { attempts: 1, reruns: 0, overruns: 0, history: [] },
  unavailable: false,
  alone: false,
}
const many = (count: number): Outcome[] => Array.from({ length: count }, () => handled)

test('there is trust until an event fails', () => {
  assert.ok(trusts(trustful))
  assert.ok(trusts(afterOutcomes(trustful, many(3))))
  assert.ok(!trusts(spoiled))
})

test('trust comes back when a thousand events in a row went well', () => {
  const almost = afterOutcomes(spoiled, many(999))
  assert.ok(!trusts(almost))
  assert.ok(trusts(afterOutcomes(almost, many(1))))
})

test('an event that fails beside others takes it away', () => {
  assert.equal(afterOutcomes(trustful, [handled, failed, handled]), 1)
})
