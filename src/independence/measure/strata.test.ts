import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ladder, widths } from './ladder.ts'
import { addStratum, addSums, noSums, oddsRatio, type Table } from './strata.ts'

const near = (value: number, expected: number): void =>
  assert.ok(Math.abs(value - expected) < 1e-9 * Math.max(1, Math.abs(expected)), `${value}, not ${expected}`)

const sumsOf = (...tables: Table[]) => {
  const sums = noSums()
  for (const table of tables) addStratum(sums, table)
  return sums
}

const some: Table = { both: 12, onlyA: 30, onlyB: 25, neither: 400 }
const other: Table = { both: 3, onlyA: 9, onlyB: 40, neither: 60 }

describe('sums over strata', () => {
  test('of one stratum give its odds ratio, with the interval of B. Woolf', () => {
    const { value, low, high } = oddsRatio(sumsOf(some), 1.96)
    near(value, (12 * 400) / (30 * 25))
    const error = Math.sqrt(1 / 12 + 1 / 30 + 1 / 25 + 1 / 400)
    near(low, value * Math.exp(-1.96 * error))
    near(high, value * Math.exp(1.96 * error))
  })

  test('expect what independence gives, with the variance of the hypergeometric distribution', () => {
    const { expected, variance, joint, units } = sumsOf(some, other)
    near(expected, (42 * 37) / 467 + (12 * 43) / 112)
    near(variance, (42 * 37 * 425 * 430) / (467 ** 2 * 466) + (12 * 43 * 100 * 69) / (112 ** 2 * 111))
    assert.deepEqual([joint, units], [15, 579])
  })

  test('weigh the odds ratios of strata as Mantel and Haenszel do', () => {
    const { value } = oddsRatio(sumsOf(some, other), 1.96)
    near(value, ((12 * 400) / 467 + (3 * 60) / 112) / ((30 * 25) / 467 + (9 * 40) / 112))
  })

  test('add up to the same in any grouping', () => {
    const [one, two] = [sumsOf(some), sumsOf(other)]
    addSums(one, two)
    assert.deepEqual(one, sumsOf(some, other))
  })

  test('change when what fails together and what does not change places', () => {
    const turned = oddsRatio(sumsOf({ both: 30, onlyA: 12, onlyB: 400, neither: 25 }), 1.96)
    near(turned.value, 1 / oddsRatio(sumsOf(some), 1.96).value)
  })

  test('that never saw both fail, or never one alone, have a finite interval', () => {
    for (const table of [
      { both: 0, onlyA: 5, onlyB: 5, neither: 90 },
      { both: 5, onlyA: 0, onlyB: 0, neither: 95 },
      { both: 0, onlyA: 0, onlyB: 0, neither: 100 },
    ]) {
      const { low, value, high } = oddsRatio(sumsOf(table), 1.96)
      assert.ok(0 < low && low < value && value < high && Number.isFinite(high), JSON.stringify({ low, value, high }))
    }
  })
})

describe('a ladder', () => {
  test('puts counts into strata of each width and class of load', () => {
    const ladder = new Ladder()
    // Two seconds of one minute, and one of the next hour; the first has windows of two loads.
    ladder.add(0, 1, some)
    ladder.add(0, 2, other)
    ladder.add(50, 1, other)
    ladder.add(3600, 1, some)
    const rungs = ladder.close()
    const apart = sumsOf(some, other, other, some)
    const together = sumsOf({ both: 15, onlyA: 39, onlyB: 65, neither: 460 }, other, some)
    for (const [i, width] of widths.entries()) {
      const expected = width >= 60_000 ? together : apart
      assert.deepEqual(rungs[i]?.units, expected.units)
      near(rungs[i]?.expected ?? 0, expected.expected)
      near(rungs[i]?.variance ?? 0, expected.variance)
    }
  })
})
