import { service } from 'skerry'
import { Shop, Stock, sql } from '../contract.ts'

export const stock = service(Stock, { migrations: [{ number: 1, name: 'stock', additive: true, sql }] })

stock
  .subscribe('stock', { from: 'start' })
  .on(Shop.placed, async (tx, { data: { order, sku, count } }) => {
    await tx.sql`
      insert into reservation (id, sku, count, cancelled) values (${order}, ${sku}, ${count}, 0)
      on conflict (id) do update set sku = excluded.sku, count = excluded.count`
    const [row] = await tx.sql<{ cancelled: number }>`select cancelled from reservation where id = ${order}`
    if (row?.cancelled === 0) await tx.sql`update stock set free = free - ${count} where sku = ${sku}`
  })
  .on(Shop.cancelled, async (tx, { data: { order } }) => {
    await tx.sql`
      insert into reservation (id, count, cancelled) values (${order}, 0, 1) on conflict (id) do update set cancelled = 1`
    await tx.sql`
      update stock set free = free + (select count from reservation where id = ${order})
      where sku = (select sku from reservation where id = ${order})`
  })
  .on(Shop.received, async (tx, { data: { sku, count } }) => {
    await tx.sql`update stock set free = free + ${count} where sku = ${sku}`
  })
