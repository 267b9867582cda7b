import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decimal, integer, lineValue, thousandths } from './decimal.ts'

test('a price becomes whole thousandths', () => {
  assert.equal(thousandths('2.55'), 2550)
  assert.equal(thousandths('0.001'), 1)
  assert.equal(thousandths('-11062.06'), -11_062_060)
  assert.equal(thousandths('38970'), 38_970_000)
  assert.equal(thousandths('2.5500'), 2550)
  assert.equal(thousandths('7.'), 7000)
  assert.ok(Object.is(thousandths('-0.0'), 0))
})

test('what is not such a price is refused', () => {
  for (const text of ['', ' 1', '1e3', '1,5', '0.0001', '.5', 'NaN', '--1', '9007199254741.001'])
    assert.equal(thousandths(text), undefined, text)
})

test('decimals have no trailing zeros', () => {
  assert.equal(decimal(2550), '2.55')
  assert.equal(decimal(-1), '-0.001')
  assert.equal(decimal(748_957_020), '748957.02')
  assert.equal(decimal(0), '0')
  assert.equal(decimal(10_000), '10')
  assert.equal(decimal(2n ** 63n), '9223372036854775.808')
})

test('every amount survives being written and read', () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => thousandths(decimal(value)) === value + 0))
})

test('quantities are whole, and a value is exact or refused', () => {
  assert.equal(integer('-74215'), -74215)
  for (const text of ['6.0', '', '1e2', '0x10', '9007199254740993']) assert.equal(integer(text), undefined, text)
  assert.equal(lineValue(80_995, 2080), 168_469_600)
  assert.equal(lineValue(94_906_267, 94_906_267), undefined)
})
