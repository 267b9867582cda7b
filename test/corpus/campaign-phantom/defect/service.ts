import { service } from 'skerry'
import { Catalogue, Merchant } from '../contract.ts'

const sql = `create table product (sku text primary key, shelf text not null, percent integer not null default 0,
  position integer not null)`

export const catalogue = service(Catalogue, { migrations: [{ number: 1, name: 'product', additive: true, sql }] })

catalogue
  .subscribe('products', { from: 'start' })
  .on(Merchant.listed, {
    prepare: async (ctx, { data }) => {
      const [row] = await ctx.sql<{ percent: number | null }>`
        select max(percent) as percent from product where shelf = ${data.shelf}`
      return row?.percent ?? 0
    },
    handle: async (tx, { data }, percent) => {
      await tx.sql`
        insert into product (sku, shelf, percent, position) values (${data.sku}, ${data.shelf}, ${percent}, 0)`
    },
  })
  .on(Merchant.reduced, {
    prepare: async (ctx, { data }) => {
      const rows = await ctx.sql<{ sku: string }>`select sku from product where shelf = ${data.shelf}`
      return rows.map((row) => row.sku)
    },
    handle: async (tx, { data }, skus) => {
      for (const sku of skus) await tx.sql`update product set percent = ${data.percent} where sku = ${sku}`
    },
  })
