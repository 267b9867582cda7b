import { service } from 'skerry'
import { Orders, Shop, sql } from '../contract.ts'

export const orders = service(Orders, { migrations: [{ number: 1, name: 'tariff', additive: true, sql }] })

orders
  .subscribe('bills', { from: 'start' })
  .on(Shop.ordered, {
    prepare: (ctx, { data }) =>
      ctx.snapshot(async (tx) => {
        const [price] = await tx.sql<{ net: number }>`select net from tariff where item = ${data.item}`
        const [rate] = await tx.sql<{ tax: number }>`select tax from tariff where item = ${data.item}`
        return { net: price?.net ?? 0, tax: rate?.tax ?? 0 }
      }),
    handle: async (tx, { data }, { net, tax }) => {
      await tx.sql`insert into bill (id, net, tax) values (${data.order}, ${net}, ${tax})`
    },
  })
  .on(Shop.repriced, async (tx, { data }) => {
    await tx.sql`
      update tariff set net = ${data.price * 10}, tax = ${data.price}, version = ${data.version}
      where item = ${data.item} and version < ${data.version}`
  })
