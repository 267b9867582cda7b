import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareOrders } from './orders/compare.ts'

// A part of `npm run test:orders`.
test('what is left out comes to nothing new: the endings are those of every order, on generated programs', async (t) => {
  const { apart, ...totals } = await compareOrders(200, 'programs')
  t.diagnostic(JSON.stringify(totals))
  assert.deepEqual(apart, [])
  assert.ok(totals.reduced < totals.all / 3 && totals.endings > 250, JSON.stringify(totals))
})
