import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, pairedRatios, percentile, percentiles, spread } from './statistics.ts'

test('the median of an odd number of samples is the middle one', () => {
  assert.equal(median([9, 1, 5]), 5)
})

test('the median of an even number of samples is halfway between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5)
})

test('numbers are sorted as numbers, not as text', () => {
  assert.equal(median([100, 9, 20]), 20)
})

test('a percentile is the nearest rank, so it is always a sample that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  assert.equal(percentile(hundred, 50), 50)
  assert.equal(percentile(hundred, 99), 99)
  assert.equal(percentile(hundred, 100), 100)
  assert.equal(percentile([1, 2, 3], 50), 2)
  assert.equal(percentile([7], 99), 7)
  assert.equal(percentile([1, 2], 0), 1)
})

test('several percentiles of one sample equal each taken alone', () => {
  const values = [5, 3, 8, 1, 9, 2]
  assert.deepEqual(percentiles(values, [50, 99]), [percentile(values, 50), percentile(values, 99)])
})

test('a spread tells the median, both ends and how many samples there were', () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3, count: 3 })
})

test('paired ratios compare samples of the same round and leave out rounds that lack one', () => {
  assert.deepEqual(pairedRatios([2, 6, undefined, 8], [1, 3, 5, undefined]), [2, 2])
})

test('statistics of no samples are refused', () => {
  assert.throws(() => median([]), /no samples/)
})
