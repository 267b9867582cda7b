import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { discoveries } from './discovery.ts'
import { logEvidence, normalTail, poissonMidP, pValue, pValueOnce, standardErrorsFor } from './evidence.ts'
import { noSums } from './strata.ts'
import { wilson } from './wilson.ts'

const near = (value: number | undefined, expected: number, relative: number): void =>
  assert.ok(Math.abs((value ?? Number.NaN) - expected) <= relative * expected, `${value}, not ${expected}`)

describe('evidence', () => {
  test('reads the normal distribution as tables do', () => {
    near(normalTail(0), 0.5, 1e-6)
    near(normalTail(1.959964), 0.025, 1e-6)
    near(normalTail(4.753424), 1e-6, 1e-5)
  })

  test('counts half of what was seen as extreme, on either side', () => {
    // P(X = 0) = e^-2, P(X ≥ 5) = 1 - 7 e^-2, P(X = 5) = 4/15 e^-2.
    near(poissonMidP(0, 2), Math.exp(-2), 1e-12)
    near(poissonMidP(5, 2), 2 * (1 - 7 * Math.exp(-2) - (2 / 15) * Math.exp(-2)), 1e-9)
    assert.equal(poissonMidP(3, 0), 1)
  })

  test('uses the normal tail only where much is expected', () => {
    const sums = (joint: number, expected: number) => ({ ...noSums(), joint, expected, variance: expected })
    near(pValueOnce(sums(5, 2)), poissonMidP(5, 2), 1e-12)
    near(pValueOnce(sums(120, 100)), 2 * normalTail(2), 1e-12)
    assert.equal(pValueOnce(noSums()), 1)
  })

  test('that was watched counts for less, never for more', () => {
    for (const joint of [60, 90, 100, 115, 130, 180]) {
      const sums = { ...noSums(), joint, expected: 100, variance: 90 }
      assert.ok(pValue(sums) >= pValueOnce(sums))
    }
  })

  test('says at how many standard errors it is enough', () => {
    for (const [level, v] of [
      [0.05, 20],
      [1e-4, 66],
    ] as const) {
      const joint = 1000 + standardErrorsFor(level, v) * Math.sqrt(v)
      near(Math.exp(-logEvidence({ ...noSums(), joint, expected: 1000, variance: v })), level, 1e-9)
    }
  })
})

describe('discoveries', () => {
  test('are all up to the last that keeps below its line', () => {
    // Of six at 5 %: the lines are .0083, .0167, .025, .0333, .0417, .05; the fourth keeps below, the third does not.
    const p = [0.03, 0.9, 0.001, 0.026, 0.002, 0.2]
    assert.deepEqual(discoveries(p, 0.05), [true, false, true, true, true, false])
  })

  test('are none among none, and none when nothing is striking', () => {
    assert.deepEqual(discoveries([], 0.05), [])
    assert.deepEqual(discoveries([0.06, 0.9], 0.05), [false, false])
  })
})

describe('the interval of a proportion', () => {
  test('is that of Wilson', () => {
    const { value, low, high } = wilson(7, 40, 1.96) ?? assert.fail()
    assert.equal(value, 0.175)
    // Its ends are where the score test is at its limit: |p - π| = z √(π(1-π)/n).
    for (const end of [low, high]) near(Math.abs(value - end), 1.96 * Math.sqrt((end * (1 - end)) / 40), 1e-9)
  })

  test('stays within 0 and 1, and is unknown without trials', () => {
    assert.equal(wilson(0, 10, 1.96)?.low, 0)
    near(wilson(10, 10, 1.96)?.high, 1, 1e-12)
    assert.equal(wilson(0, 0, 1.96), undefined)
  })
})
