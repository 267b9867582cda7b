import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Orders } from '../orders/contract.ts'
import { Retail } from '../retail/contract.ts'
import { openForTest, retailLine, spyOn } from '../testing.ts'
import { Inventory } from './contract.ts'
import { onHand, report } from './query.ts'
import { inventory } from './service.ts'

test('stock goes below zero, comes back when cancelled, and is adjusted', async (t) => {
  const spy = spyOn(Inventory.adjusted)
  const app = await openForTest(t, [inventory, spy.service])
  const head = { customer: null, at: '2010-12-01 08:26:00' }
  const mugs = (line: string, quantity: number) => ({ line, stockCode: 'MUG', quantity, value: 0 })
  await app.publish(Orders.cancelled, { cancellation: 'C1', ...head, lines: [mugs('1', -2)] })
  await app.publish(Retail.adjusted, retailLine(2, { stockCode: 'MUG', quantity: -5, unitPrice: 0, customer: null }))
  await app.publish(Orders.placed, { order: 'A', ...head, lines: [mugs('3', 10), mugs('4', 1)] })
  await app.publish(Orders.placed, { order: 'A', ...head, lines: [{ ...mugs('5', 1), stockCode: 'mug' }] })
  await app.settled()
  assert.equal(await onHand(app, 'MUG'), -14)
  assert.equal(await onHand(app, 'mug'), -1)
  assert.equal(await onHand(app, 'TEA'), 0)
  const { byStockCode, ...counts } = await report(app)
  assert.deepEqual(Object.fromEntries(byStockCode), { MUG: 4n, mug: 1n })
  assert.deepEqual(counts, { adjustments: 1, facts: 5, lines: 5 })
  assert.deepEqual(spy.heard, [
    { adjustment: '536365', ...head, lines: [{ line: '2', stockCode: 'MUG', quantity: -5, value: 0 }] },
  ])
})
