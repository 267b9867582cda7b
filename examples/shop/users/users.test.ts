import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Retail } from '../retail/contract.ts'
import { inAnyOrder, openForTest, retailLine, spyOn } from '../testing.ts'
import { Users } from './contract.ts'
import { report } from './query.ts'
import { users } from './service.ts'

test('a customer is registered once, by the first row that names one', async (t) => {
  const spy = spyOn(Users.registered)
  const app = await openForTest(t, [users, spy.service])
  await Promise.all([
    app.publish(Retail.cancelled, retailLine(1, { customer: '14911', country: 'EIRE', at: '2010-12-01 08:00:00' })),
    app.publish(Retail.sold, retailLine(2, { customer: '14911', country: 'United Kingdom' })),
    app.publish(Retail.sold, retailLine(3, { customer: null })),
    app.publish(Retail.sold, retailLine(4, { customer: '14911' })),
    app.publish(Retail.adjusted, retailLine(5, { customer: '17850', quantity: -1 })),
  ])
  await app.settled()
  assert.deepEqual(inAnyOrder(spy.heard), [
    { customer: '14911', country: 'EIRE', firstSeen: '2010-12-01 08:00:00' },
    { customer: '17850', country: 'United Kingdom', firstSeen: '2010-12-01 08:26:00' },
  ])
  assert.deepEqual(await report(app), { customers: 2, facts: 4, lines: 4 })
})
