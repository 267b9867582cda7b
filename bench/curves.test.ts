import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curvesOf, curvesSvg, curveTable, isPoint } from './curves.ts'
import { spread } from './statistics.ts'

const row = {
  contender: 'skerry',
  figures: {
    shopS: spread([9]),
    'usPerDelivery, 1000 rows': spread([20, 22]),
    'usPerDelivery, 10 rows': spread([18, 19]),
    'msPerPair, 2 types': spread([100]),
  },
}

test('figures taken at several sizes are points of one curve, by size; others are none', () => {
  const curves = curvesOf({ rows: [row] })
  assert.deepEqual(
    curves.map(({ figure, unit, points }) => [figure, unit, points.map(({ size }) => size)]),
    [
      ['usPerDelivery', 'rows', [10, 1000]],
      ['msPerPair', 'types', [2]],
    ],
  )
  assert.deepEqual(Object.keys(row.figures).filter(isPoint).length, 3)
})

test('a curve is a table, and a panel of a drawing', () => {
  const curves = curvesOf({ rows: [row] })
  assert.deepEqual(curves.map(curveTable)[0]?.split('\n'), [
    '| skerry, rows | 10 | 1,000 |',
    '| --- | --: | --: |',
    '| usPerDelivery | 18.5 | 21 |',
    '| from – to | 18–19 | 20–22 |',
  ])
  const svg = curvesSvg(curves)
  assert.equal(svg.match(/<circle/g)?.length, 3)
  assert.match(svg, /usPerDelivery against rows/)
  assert.doesNotMatch(svg, /NaN|undefined/)
})
