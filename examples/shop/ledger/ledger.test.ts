import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Inventory } from '../inventory/contract.ts'
import { Orders } from '../orders/contract.ts'
import { openForTest } from '../testing.ts'
import { report } from './query.ts'
import { ledger } from './service.ts'

test('books count documents once a day and lines as often as they come', async (t) => {
  const app = await openForTest(t, [ledger])
  const on = (at: string, customer: string | null, value: number, line: string) => ({
    ...{ customer, at },
    lines: [{ line, stockCode: 'MUG', quantity: 1, value }],
  })
  await app.publish(Orders.placed, { order: 'A', ...on('2010-12-01 23:59:00', '17850', 2550, '1') })
  await app.publish(Orders.placed, { order: 'A', ...on('2010-12-01 23:59:00', '17850', 2550, '2') })
  await app.publish(Orders.placed, { order: 'A', ...on('2010-12-02 00:00:00', '17850', 1, '3') })
  await app.publish(Orders.cancelled, { cancellation: 'C1', ...on('2010-12-01 10:00:00', '17850', -2550, '4') })
  await app.publish(Inventory.adjusted, { adjustment: 'B', ...on('2010-12-02 10:00:00', null, 0, '5') })
  await app.settled()
  assert.deepEqual(await report(app), {
    byDay: [
      { day: '2010-12-01', orders: 1, cancellations: 1, lines: 3, netValue: 2550n },
      { day: '2010-12-02', orders: 2, cancellations: 0, lines: 2, netValue: 1n },
    ],
    byCustomer: new Map([['17850', 2551n]]),
    ...{ invoices: 3, cancellations: 1, facts: 5, lines: 5 },
  })
})

test('sums beyond 2^53 stay exact', async (t) => {
  const app = await openForTest(t, [ledger])
  const value = Number.MAX_SAFE_INTEGER
  const lines = ['1', '2', '3'].map((line) => ({ line, stockCode: 'MUG', quantity: 1, value }))
  await app.publish(Orders.placed, { order: 'A', customer: '17850', at: '2010-12-01 23:59:00', lines })
  await app.settled()
  assert.equal((await report(app)).byCustomer.get('17850'), 3n * BigInt(value))
})
