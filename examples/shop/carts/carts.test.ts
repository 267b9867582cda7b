import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from 'skerry'
import { Retail } from '../retail/contract.ts'
import { Shopper } from '../shopper/contract.ts'
import { inAnyOrder, openForTest, permutations, retailLine, SetClock, spyOn } from '../testing.ts'
import { Carts } from './contract.ts'
import { cartContent, report } from './query.ts'
import { carts } from './service.ts'

interface Step {
  readonly time: string
  do(app: App, cart: string): Promise<unknown>
}

const add = (time: string, stockCode: string, quantity: number): Step => ({
  time,
  do: (app, cart) => app.publish(Shopper.added, { cart, stockCode, quantity }),
})
const set = (time: string, stockCode: string, quantity: number): Step => ({
  time,
  do: (app, cart) => app.publish(Shopper.set, { cart, stockCode, quantity }),
})
const remove = (time: string, stockCode: string): Step => ({
  time,
  do: (app, cart) => app.publish(Shopper.removed, { cart, stockCode }),
})
const checkOut = (time: string): Step => ({
  time,
  do: (app, cart) =>
    app.publish(Shopper.checkedOut, {
      cart,
      customer: null,
      lines: [{ line: `${cart}/1`, stockCode: 'MUG', quantity: 1, unitPrice: 2550 }],
    }),
})

/** Each order has a cart of its own; events keep the time at which the shopper acted, whenever they arrive. */
async function contentInEveryOrder(t: test.TestContext, steps: readonly Step[]): Promise<unknown[]> {
  const clock = new SetClock()
  const app = await openForTest(t, [carts], { clock })
  const orders = permutations(steps)
  for (const [at, order] of orders.entries())
    for (const step of order) {
      clock.set(step.time)
      await step.do(app, `cart ${at}`)
    }
  await app.settled()
  const contents = await Promise.all(orders.map((_, at) => cartContent(app, `cart ${at}`)))
  return contents.map((content) => Object.fromEntries(content))
}

test('what is added adds up, in any order', async (t) => {
  const contents = await contentInEveryOrder(t, [
    add('09:00', 'MUG', 2),
    add('09:01', 'MUG', 3),
    add('09:02', 'TEA', 1),
  ])
  for (const content of contents) assert.deepEqual(content, { MUG: 5, TEA: 1 })
})

test('the newest set wins, and only what was added after it counts, in any order', async (t) => {
  const steps = [add('09:00', 'MUG', 2), set('09:01', 'MUG', 7), set('09:02', 'MUG', 4), add('09:03', 'MUG', 1)]
  for (const content of await contentInEveryOrder(t, steps)) assert.deepEqual(content, { MUG: 5 })
})

test('what was removed stays removed, also when what was added before it comes later', async (t) => {
  const steps = [add('09:00', 'MUG', 2), remove('09:01', 'MUG'), add('09:02', 'TEA', 1), set('08:59', 'MUG', 9)]
  for (const content of await contentInEveryOrder(t, steps)) assert.deepEqual(content, { TEA: 1 })
})

test('a check-out empties the cart of what was in it then, and of nothing that came after', async (t) => {
  const steps = [add('09:00', 'MUG', 2), set('09:01', 'TEA', 3), checkOut('09:02'), add('09:03', 'TEA', 1)]
  for (const content of await contentInEveryOrder(t, steps)) assert.deepEqual(content, { TEA: 1 })
})

test('checked-out lines are told, from the web and from the till', async (t) => {
  const clock = new SetClock()
  const spy = spyOn(Carts.checkedOut)
  const app = await openForTest(t, [carts, spy.service], { clock })
  clock.set('09:02')
  await checkOut('09:02').do(app, 'web')
  await app.publish(Retail.sold, retailLine(17))
  await app.settled()
  assert.deepEqual(
    inAnyOrder(spy.heard),
    inAnyOrder([
      {
        ...{ cart: 'web', customer: null, at: '2010-12-01 09:02:00' },
        lines: [{ line: 'web/1', stockCode: 'MUG', quantity: 1, unitPrice: 2550 }],
      },
      {
        ...{ cart: '536365', customer: '17850', at: '2010-12-01 08:26:00' },
        lines: [{ line: '17', stockCode: '85123A', quantity: 6, unitPrice: 2550 }],
      },
    ]),
  )
  assert.deepEqual(await report(app), { facts: 2, lines: 2 })
})
