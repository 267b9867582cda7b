import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeFrame, encodeFrame } from '../../frame.ts'
import { sample } from '../conformance/fixture.ts'
import { eventsPerMessage, markOf, positionOf, read, sequenceOf, split, write } from './message.ts'

const frameOf = (sizes: readonly number[]): string =>
  encodeFrame(sizes.map((size, n) => sample(`${n}`, { text: 'é'.repeat(size) })))

test('a frame that fits stays whole; a larger one is cut between events, in order, nothing lost', () => {
  const frame = frameOf([10, 400, 10, 300, 20])
  assert.deepEqual(split(frame, 5, 100_000), [{ count: 5, frame }])
  const pieces = split(frame, 5, 1000)
  assert.ok(pieces.length > 1)
  assert.equal(pieces.map((piece) => piece.frame).join(''), frame)
  for (const piece of pieces) {
    assert.ok(Buffer.byteLength(piece.frame) <= 1000)
    assert.equal(decodeFrame(piece.frame).length, piece.count)
  }
})

test('a message holds no more events than there are positions for', () => {
  const count = eventsPerMessage + 5
  const pieces = split(frameOf(Array(count).fill(0)), count, 10_000_000)
  assert.deepEqual(
    pieces.map((piece) => piece.count),
    [eventsPerMessage, 5],
  )
})

test('an event that fits into no message is refused', () => {
  assert.throws(() => split(frameOf([10, 2000]), 2, 1000), { code: 'event_too_large' })
})

test('positions and sequences go both ways', () => {
  assert.deepEqual([positionOf(7, 3), sequenceOf(positionOf(7, 3)), sequenceOf(positionOf(8) - 1)], [28_675, 7, 7])
})

test('what a message says of its events is read as it was written; without a word, there are none', () => {
  for (const label of [
    { first: 5, count: 3 },
    { first: 9, count: 0, home: 'other stream', move: 2 },
  ])
    assert.deepEqual(read(write(label)), label)
  assert.deepEqual([markOf({ first: 5, count: 3 }), markOf({ first: 9, count: 0 })], [7, 8])
  assert.deepEqual(read(undefined), { first: 0, count: 0 })
})
