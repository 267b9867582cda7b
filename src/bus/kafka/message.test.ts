import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeFrame } from '../../frame.ts'
import { laneOfKey } from '../../keys.ts'
import type { Batch } from '../bus.ts'
import { fromWire, packNumbers, rounds, spread, toWire, unpackNumbers } from './message.ts'

function batch(keys: readonly string[], padding = 0): Batch {
  const records = keys.map((key, i) => ({
    ...{ id: `e${i}`, type: 't', version: 1, key, time: 1, due: 0, expires: 0, attributes: undefined },
    data: JSON.stringify('x'.repeat(padding)),
  }))
  return { stream: 's', producer: 'p', after: 4, first: 5, count: keys.length, frame: encodeFrame(records) }
}

describe('messages', () => {
  test('events are spread by the lanes of their keys, each key in one partition and in order', () => {
    const keys = Array.from({ length: 100 }, (_, n) => `key ${n % 30}`)
    const parts = spread(batch(keys), 0, 8)
    const seen = parts.flatMap(({ numbers, lanes, partition }) =>
      numbers.map((n, i) => [n, lanes[i], partition] as const),
    )
    assert.deepEqual(
      seen.map(([n]) => n).sort((a, b) => a - b),
      keys.map((_, i) => i + 5),
    )
    for (const [n, lane, partition] of seen) {
      assert.equal(lane, laneOfKey(keys[n - 5] as string))
      assert.equal(partition, (lane as number) % 8)
    }
    for (const { numbers } of parts)
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      )
  })

  test('what is in the log already is left out', () => {
    const parts = spread(batch(['a', 'b', 'c', 'a']), 6, 1)
    assert.deepEqual(
      parts.map(({ numbers }) => numbers),
      [[7, 8]],
    )
    assert.equal(parts[0]?.frame.split('\n').length, 5)
  })

  test('much text for one partition goes in several messages, one a round', () => {
    const parts = spread(batch(['a', 'a', 'b', 'a'], 300_000), 0, 64)
    const sent = rounds(parts).map((round) => round.map(({ numbers }) => [...numbers]))
    assert.deepEqual(sent, [[[5], [7]], [[6]], [[8]]])
  })

  test('a frame that is cut short, or holds another number of events, is refused', () => {
    const whole = batch(['a', 'b'])
    assert.throws(() => spread({ ...whole, frame: whole.frame.slice(0, -3) }, 0, 2), { code: 'invalid_config' })
    assert.throws(() => spread({ ...whole, count: 3 }, 0, 2), { code: 'invalid_config' })
  })

  test('numbers survive the journey, gaps and runs alike', () => {
    for (const numbers of [[1], [1, 2, 3], [5, 9, 10, 11, 40], [9_007_199_254_740_990, 9_007_199_254_740_991]])
      assert.deepEqual(unpackNumbers(packNumbers(numbers)), numbers)
    assert.equal(packNumbers([17, 18, 19, 20, 25]), '17+3,5')
  })

  test('a message comes back as it was sent; one that is none of ours is undefined', () => {
    const [part] = spread(batch(['ä ☃', 'ä ☃']), 0, 3)
    assert.ok(part)
    const { value, headers } = toWire(part, 'a producer', [3, 0, 12])
    const { partition: _, ...rest } = part
    assert.deepEqual(fromWire(value, [...headers]), { ...rest, producer: 'a producer', drain: '3,0,12' })
    assert.equal(fromWire(value, []), undefined)
    assert.equal(fromWire(undefined, [...headers]), undefined)
  })
})
