import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstStep, stepsBetween } from './steps.ts'

test('one order becomes another by neighbours that change places', () => {
  const texts = stepsBetween([...'abcd'], [...'dbac']).map((order) => order.join(''))
  assert.deepEqual(texts, ['abcd', 'abdc', 'adbc', 'dabc', 'dbac'])
})

test('the two whose order decides are found in a few runs', async () => {
  const orders = stepsBetween([...'abcdefgh'], [...'hgfedcba'])
  let runs = 0
  const cFirst = (order: readonly string[]): Promise<string> => {
    runs++
    return Promise.resolve(String(order.indexOf('c') < order.indexOf('f')))
  }
  assert.deepEqual(await firstStep(orders, cFirst), ['c', 'f'])
  assert.ok(runs <= 2 + Math.ceil(Math.log2(orders.length)), `${runs} of ${orders.length}`)
})

test('where both ends are alike nobody is to blame', async () => {
  assert.equal(await firstStep(stepsBetween([...'ab'], [...'ba']), () => Promise.resolve('')), undefined)
  assert.equal(await firstStep(stepsBetween([...'ab'], [...'ab']), () => Promise.resolve('')), undefined)
})
