import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Carts } from '../carts/contract.ts'
import { Retail } from '../retail/contract.ts'
import { Shopper } from '../shopper/contract.ts'
import { inAnyOrder, openForTest, retailLine, SetClock, spyOn } from '../testing.ts'
import { Orders } from './contract.ts'
import { report } from './query.ts'
import { orders } from './service.ts'

const head = { customer: '17850', at: '2010-12-01 08:26:00' }
const line = { line: '1', stockCode: 'MUG', quantity: 3, unitPrice: 2550 }

test('a cart checked out becomes an order, at once or line by line', async (t) => {
  const spy = spyOn(Orders.placed)
  const app = await openForTest(t, [orders, spy.service])
  await app.publish(Carts.checkedOut, { cart: 'A', ...head, lines: [line, { ...line, line: '2', unitPrice: 0 }] })
  await app.publish(Carts.checkedOut, { cart: 'A', ...head, lines: [{ ...line, line: '3', unitPrice: -1 }] })
  await app.settled()
  assert.deepEqual(inAnyOrder(spy.heard), [
    {
      ...{ order: 'A', ...head },
      lines: [
        { line: '1', stockCode: 'MUG', quantity: 3, value: 7650 },
        { line: '2', stockCode: 'MUG', quantity: 3, value: 0 },
      ],
    },
    { order: 'A', ...head, lines: [{ line: '3', stockCode: 'MUG', quantity: 3, value: -3 }] },
  ])
  const [order] = await app.read(orders, (tx) => tx.sql`select id, lines, value from orders`)
  assert.deepEqual({ ...order }, { id: 'A', lines: 3, value: 7647 })
})

test('a cancellation needs no order: from the till, in part, or before the order comes', async (t) => {
  const spy = spyOn(Orders.cancelled)
  const app = await openForTest(t, [orders, spy.service], { clock: new SetClock() })
  await app.publish(Retail.cancelled, retailLine(9, { invoice: 'C1', quantity: -2, unitPrice: 0 }))
  await app.publish(Shopper.cancelled, { cancellation: 'C2', customer: null, lines: [{ ...line, quantity: 1 }] })
  await app.publish(Carts.checkedOut, { cart: 'A', ...head, lines: [{ ...line, line: '2' }] })
  await app.settled()
  assert.deepEqual(inAnyOrder(spy.heard), [
    { cancellation: 'C1', ...head, lines: [{ line: '9', stockCode: '85123A', quantity: -2, value: 0 }] },
    {
      ...{ cancellation: 'C2', customer: null, at: '2010-12-01 08:26:00' },
      lines: [{ line: '1', stockCode: 'MUG', quantity: -1, value: -2550 }],
    },
  ])
  assert.deepEqual(await report(app), { facts: 3, lines: 3 })
})
