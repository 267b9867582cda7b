import assert from 'node:assert/strict'
import { test } from 'node:test'
import { happens, injectFault } from './fault.ts'

const never = (): number => 0

test('a percentage that is not set is none', () => {
  assert.equal(injectFault({ delay: { fixedDelay: 5 }, abort: { httpStatus: 500 } }, never), undefined)
  assert.equal(happens(undefined, never), false)
})

test('the older whole per cent of a delay counts, too', () => {
  assert.deepEqual(
    injectFault({ delay: { fixedDelay: 5, percent: 50 } }, () => 0.4),
    { delayMs: 5 },
  )
})

test('a hundredth of a per cent is one of ten thousand', () => {
  assert.equal(
    happens({ value: 0.01 }, () => 0.00009),
    true,
  )
  assert.equal(
    happens({ value: 0.01 }, () => 0.0001),
    false,
  )
})

test('an abort may be a status of gRPC', () => {
  const abort = { grpcStatus: 'UNAVAILABLE', percentage: { value: 100 } }
  assert.deepEqual(injectFault({ abort }, never), { abort: { grpcStatus: 14 } })
})
