import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, event } from '../contract.ts'
import type { Delivery } from '../event.ts'
import { Attempting, type Transaction } from './context.ts'

const Shop = contract('shop', { events: { placed: event({ data: z.object({}) }) } })
const record = { id: 'i', type: 'placed', version: 1, key: 'own', time: 1, due: 0, expires: 0, attributes: undefined }
const delivery: Delivery = { stream: 'shop', position: 1, record: { ...record, data: '{}' } }

test('a withdrawal takes the way of what it withdraws: by the key of the event that is handled, or the one that is named', async () => {
  const attempting = new Attempting({ dialect: 'sqlite' } as Transaction, delivery, 'shop/all', 1000)
  const { cancel } = attempting.context()
  await cancel(Shop.placed as never, 'a', 'other')
  await (cancel as (type: never, id: string) => Promise<void>)(Shop.placed as never, 'b')
  assert.deepEqual(
    attempting.emitted.map(({ key }) => key),
    ['other', 'own'],
  )
})
