import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, event } from './contract.ts'
import { service } from './service.ts'

const Orders = contract('orders', {
  events: { placed: event({ data: z.object({}) }), paid: event({ data: z.object({}) }) },
})
const Stock = contract('stock', { events: {} })

const nothing = (): void => {}
const refused = (message: RegExp) => ({ code: 'invalid_config', message })
const subscribing =
  (name: string, options: object = {}) =>
  () =>
    service(Stock).subscribe(name, { from: 'start', ...options } as never)

test('a service carries its contract, its options and its subscriptions', () => {
  const stock = service(Stock, { projection: true })
  stock.subscribe('all', { from: 'start', order: 'key' }).on(Orders.placed, nothing).on(Orders.paid, nothing)
  stock.on(Orders.placed, { name: 'short', from: 'now' }, nothing)
  assert.equal(stock.name, 'stock')
  assert.equal(stock.options.projection, true)
  assert.deepEqual([...stock.subscriptions.keys()], ['all', 'short'])
  assert.deepEqual([...(stock.subscriptions.get('all')?.handlers.keys() ?? [])], ['orders.placed', 'orders.paid'])
})

test('a handler is a function, or two steps', async () => {
  const stock = service(Stock)
  const prepare = (): number => 1
  const handle = (): void => {}
  stock.on(Orders.placed, { name: 'one', from: 'start' }, handle)
  stock.on(Orders.placed, { name: 'two', from: 'start', prepare, handle })
  stock.subscribe('three', { from: 'start' }).on(Orders.placed, { prepare, handle })
  const handlers = ['one', 'two', 'three'].map(
    (name) => stock.subscriptions.get(name)?.handlers.get('orders.placed')?.handler,
  )
  assert.deepEqual(
    handlers.map((handler) => [handler?.prepare, handler?.handle]),
    [
      [undefined, handle],
      [prepare, handle],
      [prepare, handle],
    ],
  )
})

test('two subscriptions of one name, or two handlers for one type, are refused by name', () => {
  const stock = service(Stock)
  const all = stock.subscribe('all', { from: 'start' }).on(Orders.placed, nothing)
  assert.throws(() => stock.subscribe('all', { from: 'start' }), refused(/stock\/all.*two subscriptions/))
  assert.throws(() => all.on(Orders.placed, nothing), refused(/stock\/all.*orders\.placed/))
})

test('a subscription says where it begins', () => {
  for (const from of [undefined, 'end', 0]) assert.throws(subscribing('all', { from }), refused(/stock\/all: say from/))
})

test('names and limits are checked where they are declared', () => {
  for (const name of ['', '1st', 'a b', 'a/b', '~relay', 'a'.repeat(64)])
    assert.throws(subscribing(name), refused(/use a name/))
  for (const budgetMs of [0, -1, 60_001, Number.NaN])
    assert.throws(subscribing('all', { budgetMs }), refused(/budgetMs/))
  for (const concurrency of [0, 10_001, 1.5]) assert.throws(subscribing('all', { concurrency }), refused(/concurrency/))
  for (const concurrency of [0, -1])
    assert.throws(subscribing('all', { perKey: { concurrency } }), refused(/perKey\.concurrency/))
  assert.throws(subscribing('all', { perKey: {} }), refused(/perKey names no limit/))
  for (const rate of [
    { events: 0.5, perMs: 1000 },
    { events: 1, perMs: 0 },
    { events: Number.NaN, perMs: 1 },
  ]) {
    assert.throws(subscribing('all', { rate }), refused(/rate/))
    assert.throws(subscribing('all', { perKey: { rate } }), refused(/perKey\.rate/))
  }
  for (const retry of [
    { attempts: 0 },
    { attempts: 1001 },
    { jitter: 2 },
    { firstMs: -1 },
    { factor: 0.5 },
    { mostMs: -1 },
  ])
    assert.throws(subscribing('all', { retry }), refused(/retry\./))
  subscribing('a-Z_9', {
    budgetMs: 60_000,
    concurrency: 10_000,
    rate: { events: 1.5, perMs: 1 },
    retry: { attempts: 1000 },
  })()
})
