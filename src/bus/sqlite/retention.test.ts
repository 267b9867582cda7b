import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JumpDetector, suspensionMs } from '../jumps.ts'
import { expired } from './retention.ts'
import type { Segment } from './segments.ts'

const none = Number.POSITIVE_INFINITY
const nobody = (): number => none

/** Segments of a stream, `bytes` large each, ending at 10, 20, … and written a second apart. */
function stream(name: string, count: number, bytes = 100): Segment[] {
  return Array.from({ length: count }, (_, n) => ({
    id: n,
    stream: name,
    first: n * 10,
    next: n * 10 + 10,
    events: 10,
    bytes,
    firstAt: n * 1000,
    lastAt: n * 1000 + 999,
  }))
}

const ends = (segments: readonly Segment[]): number[] => segments.map((s) => s.next)

test('what is older than the age goes, oldest first', () => {
  const segments = stream('s', 5)
  assert.deepEqual(ends(expired(segments, { ageMs: 10_000, bytes: none }, nobody, 11_999)), [10])
  assert.deepEqual(ends(expired(segments, { ageMs: 10_000, bytes: none }, nobody, 13_500)), [10, 20, 30])
  assert.deepEqual(ends(expired(segments, { ageMs: none, bytes: none }, nobody, 1e15)), [])
})

test('a stream keeps at least the size it may have, whatever other streams hold', () => {
  const segments = [...stream('s', 5), ...stream('t', 2, 1000)]
  assert.deepEqual(ends(expired(segments, { ageMs: none, bytes: 250 }, nobody, 0)), [10, 20, 10])
  assert.deepEqual(ends(expired(segments, { ageMs: none, bytes: 1000 }, nobody, 0)), [10])
})

test('nothing that a reader has still to read goes, nor anything after it', () => {
  const segments = stream('s', 5)
  for (const [mark, expected] of [
    [0, []],
    [9, []],
    [10, [10]],
    [29, [10, 20]],
    [50, [10, 20, 30, 40, 50]],
  ] as const)
    assert.deepEqual(ends(expired(segments, { ageMs: 1, bytes: 0 }, () => mark, 1e12)), expected, `mark ${mark}`)
})

test('whatever the rules and the readers, what goes is the beginning of a stream, and below every mark', () =>
  fc.assert(
    fc.property(fc.nat(12), fc.nat(130), fc.nat(20_000), fc.nat(1500), (count, mark, ageMs, bytes) => {
      const segments = stream('s', count)
      const gone = expired([...segments].reverse(), { ageMs, bytes }, () => mark, 12_000)
      assert.deepEqual(gone, segments.slice(0, gone.length))
      assert.ok(gone.every((s) => s.next <= mark))
    }),
  ))

test('a jump of the wall clock in either direction is seen once, and suspends deletion for a while', () => {
  const detector = new JumpDetector()
  assert.equal(detector.look(1_000_000, 0), 0)
  assert.equal(detector.look(1_000_500, 500), 0)
  assert.equal(detector.look(1_059_000, 1000), 0, 'a small step is followed')
  assert.equal(detector.look(4_659_500, 1500), 3_600_000)
  assert.equal(detector.look(4_660_000, 2000), 0)
  assert.equal(detector.suspended(2000), true)
  assert.equal(detector.look(1_060_500, 2500), -3_600_000)
  assert.equal(detector.jumps, 2)
  assert.equal(detector.suspended(2500 + suspensionMs - 1), true)
  assert.equal(detector.suspended(2500 + suspensionMs), false)
})
