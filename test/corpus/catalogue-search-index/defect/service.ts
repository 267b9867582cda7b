import { service } from 'skerry'
import { Products, Search } from '../contract.ts'

const sql = 'create table product (sku text primary key, name text not null, cents integer not null)'

export const search = service(Search, {
  projection: true,
  migrations: [{ number: 1, name: 'product', additive: true, sql }],
})

search
  .subscribe('index', { from: 'start' })
  .on(Products.listed, async (tx, { data }) => {
    await tx.sql`
      insert into product (sku, name, cents) values (${data.sku}, ${data.name}, ${data.cents})
      on conflict (sku) do update set name = excluded.name, cents = excluded.cents`
  })
  .on(Products.renamed, async (tx, { data }) => {
    await tx.sql`update product set name = ${data.name} where sku = ${data.sku}`
  })
  .on(Products.repriced, async (tx, { data }) => {
    await tx.sql`update product set cents = ${data.cents} where sku = ${data.sku}`
  })
  .on(Products.delisted, async (tx, { data }) => {
    await tx.sql`delete from product where sku = ${data.sku}`
  })
