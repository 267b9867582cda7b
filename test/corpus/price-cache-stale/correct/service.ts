import { service } from 'skerry'
import { Orders, Shop, sql } from '../contract.ts'

export const orders = service(Orders, { migrations: [{ number: 1, name: 'price', additive: true, sql }] })

orders
  .subscribe('bills', { from: 'start' })
  .on(Shop.priced, async (tx, { data }) => {
    await tx.sql`insert or replace into price (sku, cents) values (${data.sku}, ${data.cents})`
  })
  .on(Shop.delisted, async (tx, { data }) => {
    await tx.sql`delete from price where sku = ${data.sku}`
  })
  .on(Shop.ordered, async (tx, { data }) => {
    await tx.sql`
      insert into bill (id, cents)
      values (${data.order}, coalesce((select cents from price where sku = ${data.sku}), 0))`
  })
