import { service } from 'skerry'
import { Shop, Stock, sql } from '../contract.ts'

export const stock = service(Stock, { migrations: [{ number: 1, name: 'stock', additive: true, sql }] })

stock
  .subscribe('stock', { from: 'start' })
  .on(Shop.placed, async (tx, { data: { order, sku, count } }) => {
    const known = await tx.sql`select 1 from reservation where id = ${order}`
    if (known.length > 0) return
    const taken = await tx.sql`update stock set free = free - ${count} where sku = ${sku} and free >= ${count}`
    const had = taken.changes > 0 ? count : 0
    await tx.sql`insert into reservation (id, sku, count, cancelled) values (${order}, ${sku}, ${had}, 0)`
    await tx.publish(had > 0 ? Stock.reserved : Stock.soldOut, { order })
  })
  .on(Shop.cancelled, async (tx, { data: { order } }) => {
    const [held] = await tx.sql<{ sku: string; count: number }>`
      update reservation set cancelled = 1 where id = ${order} and cancelled = 0 returning sku, count`
    if (held) await tx.sql`update stock set free = free + ${held.count} where sku = ${held.sku}`
    else
      await tx.sql`insert into reservation (id, count, cancelled) values (${order}, 0, 1) on conflict (id) do nothing`
  })
  .on(Shop.received, async (tx, { data: { sku, count } }) => {
    await tx.sql`update stock set free = free + ${count} where sku = ${sku}`
  })
