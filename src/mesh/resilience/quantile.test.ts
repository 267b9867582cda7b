import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Quantiles } from './quantile.ts'

test('without samples there is no quantile', () => assert.equal(new Quantiles().at(0.5), undefined))

test('a quantile is right to within 5 %', () => {
  const times = fc.array(fc.double({ min: 0.02, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 500 })
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, q) => {
      const quantiles = new Quantiles()
      for (const tookMs of all) quantiles.add(tookMs)
      const sorted = all.toSorted((a, b) => a - b)
      const exact = sorted[Math.max(0, Math.ceil(q * all.length - 1e-9) - 1)] as number
      const found = quantiles.at(q) as number
      assert.ok(found / exact > 0.95 && found / exact < 1.05, `${found} for ${exact}`)
    }),
  )
})

test('the past fades', () => {
  const quantiles = new Quantiles()
  for (let i = 0; i < 1500; i++) quantiles.add(1000)
  for (let i = 0; i < 8000; i++) quantiles.add(1)
  assert.ok((quantiles.at(0.95) as number) < 2)
  assert.ok(quantiles.samples < 2000)
})

test('what is out of its range is at its ends', () => {
  const quantiles = new Quantiles()
  quantiles.add(0)
  assert.ok((quantiles.at(1) as number) < 0.02)
  quantiles.add(1e9)
  assert.ok((quantiles.at(1) as number) > 1e6)
})
