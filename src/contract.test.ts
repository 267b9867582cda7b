import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { contract, event, info } from './contract.ts'

const data = z.object({ id: z.string(), amount: z.number(), currency: z.string() })

const Orders = contract('orders', {
  events: {
    placed: event({
      data,
      key: (d) => d.id,
      version: 3,
      upcast: {
        1: ({ id, pence }) => ({ id, amount: pence / 100 }),
        2: (d) => ({ ...d, currency: 'GBP' }),
      },
    }),
    noticed: event({ data: z.object({}) }),
    renewed: event({ data, version: 4, upcast: { 3: (d) => d } }),
  },
})

const refused = (message: RegExp) => ({ code: 'invalid_config', message })
const withEvent = (name: string, given: object) => () =>
  contract('orders', { events: { [name]: event({ data, ...given }) } })

test('an event knows its service, its name and its version', () => {
  const { placed, noticed } = Orders
  assert.deepEqual(
    [placed.service, placed.name, placed.version, placed.label],
    ['orders', 'placed', 3, 'orders.placed'],
  )
  assert.equal(noticed.version, 1)
  assert.equal(Orders[info].name, 'orders')
  assert.deepEqual([...Orders[info].events.keys()], ['placed', 'noticed', 'renewed'])
})

test('a contract cannot be changed', () => {
  assert.throws(() => Object.assign(Orders, { placed: 1 }), TypeError)
  assert.throws(() => Object.assign(Orders.placed, { version: 9 }), TypeError)
})

test('the key comes from the data; an event without one has none', () => {
  assert.equal(Orders.placed.keyOf({ id: 'a', amount: 1, currency: 'GBP' }), 'a')
  assert.equal(Orders.noticed.keyOf({}), '')
})

test('data of every older version goes through its upcasters, one after another, and is checked', () => {
  const newest = { id: 'a', amount: 1.5, currency: 'GBP' }
  assert.deepEqual(Orders.placed.read(1, { id: 'a', pence: 150 }), newest)
  assert.deepEqual(Orders.placed.read(2, { id: 'a', amount: 1.5 }), newest)
  assert.deepEqual(Orders.placed.read(3, newest), newest)
  assert.throws(() => Orders.placed.read(1, { id: 7, pence: 1 }), {
    code: 'invalid_event',
    message: /orders\.placed: id/,
  })
})

test('it knows the versions that lead to the newest without a gap, and no others', () =>
  fc.assert(
    fc.property(fc.integer({ min: -5, max: 70_000 }), (version) => {
      assert.equal(Orders.placed.knows(version), version >= 1 && version <= 3)
      assert.equal(Orders.renewed.knows(version), version === 3 || version === 4)
    }),
  ))

test('an unknown version is refused with the remedy', () => {
  for (const version of [0, -1, 4, 99])
    assert.throws(() => Orders.placed.read(version, {}), {
      code: 'unknown_version',
      message: /orders\.placed.*newest 3/,
    })
  assert.throws(() => Orders.renewed.read(2, {}), { code: 'unknown_version' })
})

test('names are checked where they are declared', () => {
  for (const name of ['', 'Orders', '1st', 'a b', 'a.b', 'ö', '-a', 'a'.repeat(64)])
    assert.throws(() => contract(name, { events: {} }), refused(/^contract '/))
  for (const name of ['orders', 'a', 'online-shop-2', 'a'.repeat(63)]) contract(name, { events: {} })
  for (const name of ['', '1st', 'a b', '~cancel', 'a.b', 'a'.repeat(64)])
    assert.throws(withEvent(name, {}), refused(/^event 'orders\./))
  for (const name of ['placed', 'Placed', 'order-placed', 'order_2']) withEvent(name, {})()
})

test('versions and upcasters are checked where they are declared', () => {
  for (const version of [0, -1, 1.5, 65_536, Number.NaN])
    assert.throws(withEvent('placed', { version }), refused(/orders\.placed.*version/))
  withEvent('placed', { version: 65_535 })()
  for (const from of [0, 2, 3, 'x', 1.5])
    assert.throws(withEvent('placed', { version: 2, upcast: { [from]: () => ({}) } }), refused(/upcaster/))
})
