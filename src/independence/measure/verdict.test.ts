import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ladder, type Rungs } from './ladder.ts'
import { varianceNeeded } from './sample.ts'
import type { Table } from './strata.ts'
import { judge } from './verdict.ts'

/** So many seconds of one class of load, all alike. */
function seconds(n: number, table: Table, from = 0): Rungs {
  const ladder = new Ladder()
  for (let i = 0; i < n; i++) ladder.add(from + 10 * i, 3, table)
  return ladder.close()
}

const one = (rungs: Rungs) => judge([rungs])[0] ?? assert.fail()

const together: Table = { both: 4, onlyA: 1, onlyB: 1, neither: 4 }
const apart: Table = { both: 1, onlyA: 1, onlyB: 1, neither: 1 }

describe('a verdict', () => {
  test('is dependent when failures go together within seconds', () => {
    const { verdict, oddsRatio, needed } = one(seconds(100, together))
    assert.deepEqual([verdict, needed], ['dependent', 0])
    assert.ok(Math.abs(oddsRatio.value - 16) < 1e-9 && oddsRatio.low > 10, JSON.stringify(oddsRatio))
  })

  test('is dependent, too, when they avoid one another', () => {
    assert.equal(one(seconds(100, { both: 1, onlyA: 4, onlyB: 4, neither: 1 })).verdict, 'dependent')
  })

  test('is small when the effect may be as good as none', () => {
    const slightly = { both: 110, onlyA: 100, onlyB: 100, neither: 110 }
    const { verdict, oddsRatio } = one(seconds(20, slightly))
    assert.equal(verdict, 'dependent-but-small')
    assert.ok(oddsRatio.low > 1 && oddsRatio.low < 1.2)
  })

  test('is independent only once the interval is within the margin', () => {
    const few = one(seconds(20, apart))
    assert.equal(few.verdict, 'cannot-tell-yet')
    assert.ok(few.needed && few.needed > 100, String(few.needed))
    const many = one(seconds(400, apart))
    assert.deepEqual([many.verdict, many.needed], ['independent-within-margin', 0])
  })

  test('is a common cause when failures go together over minutes and not within seconds', () => {
    const ladder = new Ladder()
    for (let i = 0; i < 300; i++) ladder.add(10 * i, 3, { both: 0, onlyA: 0, onlyB: 0, neither: 4 })
    for (let i = 300; i < 600; i++) ladder.add(10 * i, 3, apart)
    const { verdict, widest } = one(ladder.close())
    assert.equal(verdict, 'common-cause')
    assert.ok(widest.low > 1.2)
  })

  test('knows no sample that decides while one of the two never failed', () => {
    const { verdict, needed } = one(seconds(1000, { both: 0, onlyA: 3, onlyB: 0, neither: 7 }))
    assert.deepEqual([verdict, needed], ['cannot-tell-yet', null])
  })

  test('needs more evidence the more pairs there are', () => {
    const weak = seconds(36, { both: 2, onlyA: 2, onlyB: 1, neither: 3 })
    const nothing = Array.from({ length: 1000 }, () => seconds(36, apart))
    assert.equal(one(weak).verdict, 'dependent')
    assert.equal(judge([weak, ...nothing])[0]?.verdict, 'cannot-tell-yet')
    assert.ok(varianceNeeded(0.05 / 1000) > varianceNeeded(0.05))
  })
})
