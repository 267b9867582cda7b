import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lineage } from '../bus/bus.ts'
import { checkLineage, newestIncarnation, olderStore } from './lineage.ts'
import { checkOutboxNumbers } from './outbox.ts'

const bus: Lineage = {
  bus: 'bus-1',
  head: 300,
  incarnations: [
    { token: 'a', start: 0 },
    { token: 'b', start: 100 },
    { token: 'c', start: 200 },
  ],
}
const at = (position: number) => ({ subscription: 'orders/stock', position })
const refusal = (message: RegExp) => ({ code: 'log_changed', message })

test('a store that knows no bus takes any', () => {
  checkLineage('orders', bus, undefined, at(1e9))
})

test('a store goes on with the bus that it knows, wherever it was', () => {
  for (const [incarnation, position] of [
    ['c', 300],
    ['c', 0],
    ['b', 200],
    ['a', 100],
  ] as const)
    checkLineage('orders', bus, { bus: 'bus-1', incarnation }, at(position))
  checkLineage('orders', bus, { bus: 'bus-1', incarnation: 'a' }, undefined)
})

test('another bus is refused, by name', () => {
  assert.throws(
    () => checkLineage('orders', bus, { bus: 'bus-2', incarnation: 'a' }, at(0)),
    refusal(/orders: .*another bus/),
  )
})

test('a bus that does not remember a writer is an older copy', () => {
  assert.throws(() => checkLineage('orders', bus, { bus: 'bus-1', incarnation: 'd' }, at(0)), refusal(/older copy/))
})

test('a position beyond the log is refused', () => {
  assert.throws(
    () => checkLineage('orders', bus, { bus: 'bus-1', incarnation: 'c' }, at(301)),
    refusal(/orders\/stock .*301.*300/),
  )
})

test('a position that the next writer has written anew is refused', () => {
  assert.throws(() => checkLineage('orders', bus, { bus: 'bus-1', incarnation: 'b' }, at(201)), refusal(/older copy/))
})

test('the newest writer is the one to remember', () => {
  assert.equal(newestIncarnation(bus), 'c')
  assert.equal(newestIncarnation({ ...bus, incarnations: [] }), '')
})

test('a store behind what it once acknowledged says so', () => {
  const error = olderStore('orders/stock', 'carts', 5, 9)
  assert.equal(error.code, 'log_changed')
  assert.match(error.message, /orders\/stock.*carts.*5.*9/)
})

test('a bus that has more of a store than the store gave out means an older store', () => {
  checkOutboxNumbers('orders', 1, 0)
  checkOutboxNumbers('orders', 10, 9)
  checkOutboxNumbers('orders', 10, 3)
  assert.throws(() => checkOutboxNumbers('orders', 10, 10), refusal(/orders.*10.*9/))
})
