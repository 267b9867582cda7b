import { service } from 'skerry'
import { Orders, Shop, sql } from '../contract.ts'

export const orders = service(Orders, { migrations: [{ number: 1, name: 'price', additive: true, sql }] })

const prices = orders.memory(() => new Map<string, number>())

orders
  .subscribe('bills', { from: 'start' })
  .on(Shop.priced, async (tx, { data }) => {
    prices().set(data.sku, data.cents)
    await tx.sql`insert or replace into price (sku, cents) values (${data.sku}, ${data.cents})`
  })
  .on(Shop.delisted, async (tx, { data }) => {
    prices().set(data.sku, 0)
    await tx.sql`delete from price where sku = ${data.sku}`
  })
  .on(Shop.ordered, {
    prepare: async (ctx, { data }) => {
      const known = prices().get(data.sku)
      if (known !== undefined) return known
      const [row] = await ctx.sql<{ cents: number }>`select cents from price where sku = ${data.sku}`
      prices().set(data.sku, row?.cents ?? 0)
      return row?.cents ?? 0
    },
    handle: async (tx, { data }, cents) => {
      await tx.sql`insert into bill (id, cents) values (${data.order}, ${cents})`
    },
  })
