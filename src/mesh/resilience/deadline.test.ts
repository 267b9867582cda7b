import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from '../../time.ts'
import {
  deadlineOf,
  readGrpcTimeout,
  readTimeout,
  timeoutForNextHop,
  writeGrpcTimeout,
  writeTimeout,
} from './deadline.ts'

test('what is written is read again, in both headers', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 86_400_000 }), (leftMs) => {
      assert.equal(readTimeout(writeTimeout(leftMs)), leftMs)
      assert.equal(readGrpcTimeout(writeGrpcTimeout(leftMs)), leftMs)
    }),
  )
})

test('gRPC has six units, and at most eight digits', () => {
  const read = ['1H', '2M', '3S', '4m', '5000u', '6000000n'].map((text) => readGrpcTimeout(text))
  assert.deepEqual(read, [3_600_000, 120_000, 3000, 4, 5, 6])
  assert.equal(writeGrpcTimeout(123_456_789), '123456S')
})

test('a header that is missing or malformed says nothing; a day is the longest', () => {
  for (const text of [undefined, '', '-1', '1.5', '1e3', ' 5', '5 ', '0x10', '12345678901', '１'])
    assert.equal(readTimeout(text), undefined)
  for (const text of [undefined, '', '5', 'm', '-5m', '5s', '123456789m', '5 m', '5mm'])
    assert.equal(readGrpcTimeout(text), undefined)
  assert.equal(readTimeout('9999999999'), 86_400_000)
  assert.equal(readGrpcTimeout('99999999H'), 86_400_000)
})

test('a call ends with whatever ends first: what it asks for, or what its caller was given', () => {
  assert.equal(deadlineOf(1000, 500), 1500)
  assert.equal(deadlineOf(1000, 500, 1200), 1200)
  assert.equal(deadlineOf(1000, 500, 9000), 1500)
  assert.equal(deadlineOf(0, Number.POSITIVE_INFINITY), 86_400_000)
})

test('at each hop less is left, so that calls in a circle end', async () => {
  const clock = new VirtualClock()
  let left: number | undefined = 10
  const said: number[] = []
  while (left !== undefined) {
    const deadline = deadlineOf(clock.monotonic(), 60_000, clock.monotonic() + left)
    await clock.advance(2)
    left = timeoutForNextHop(deadline, clock.monotonic())
    if (left !== undefined) said.push(left)
  }
  assert.deepEqual(said, [7, 4, 1])
})

test('nothing is sent when less than a millisecond would be left', () => {
  assert.equal(timeoutForNextHop(102, 100), 1)
  assert.equal(timeoutForNextHop(101.9, 100), undefined)
  assert.equal(timeoutForNextHop(90, 100), undefined)
})
