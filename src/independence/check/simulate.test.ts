import assert from 'node:assert/strict'
import { test } from 'node:test'
import { book, Desk } from './fixture.ts'
import { simulate } from './simulate.ts'

const app = (onClosed: 'tombstone' | 'update') => {
  const orders = book('create table orders (id text primary key, status text not null)')
  orders
    .subscribe('orders', { from: 'start' })
    .on(Desk.opened, async (tx, { data }) => {
      await tx.sql`insert into orders (id, status) values (${data.order}, 'open') on conflict do nothing`
    })
    .on(Desk.closed, async (tx, { data }) => {
      if (onClosed === 'update') await tx.sql`update orders set status = 'closed' where id = ${data.order}`
      else
        await tx.sql`insert into orders (id, status) values (${data.order}, 'closed')
          on conflict (id) do update set status = 'closed'`
    })
  return orders
}

const first = [
  [Desk.opened, { order: 'a' }],
  [Desk.closed, { order: 'a' }],
  [Desk.opened, { order: 'b' }],
  [Desk.counted, { item: 'x', n: 1 }],
] as const

test('one ending where order does not matter, and each of them with its order where it does', async () => {
  assert.equal((await simulate(app('tombstone'), { first })).endings.length, 1)
  const { endings, complete, exhausted } = await simulate(app('update'), { first })
  assert.equal(endings.length, 2)
  assert.deepEqual([complete, exhausted], [2, true])
  assert.equal(new Set(endings.map(({ order }) => order.join())).size, 2)
})

test('what is left undone at the bound is said', async () => {
  const few = await simulate(app('update'), { first, most: 1, sample: 0 })
  assert.deepEqual([few.exhausted, few.sampled, few.endings.length], [false, 0, 1])
  const beyond = await simulate(app('update'), { first, most: 1, sample: 20 })
  assert.deepEqual(
    [beyond.exhausted, beyond.sampled, beyond.endings.length],
    [false, 20, 2],
    'random orders find the other',
  )
})

test('an opaque column that no service has is refused', async () => {
  const wrong = simulate(app('update'), { first, opaque: ['orders.state'] })
  await assert.rejects(wrong, { code: 'not_found', message: /no service has a column orders\.state/ })
})
