import { type HandleContext, service } from 'skerry'
import { Products, Search } from '../contract.ts'

const sql = `create table product (sku text primary key, name text, name_version integer not null default 0,
    cents integer, cents_version integer not null default 0, listed integer not null default 0, gone integer not null default 0);
  create view found as select sku, name, cents from product where listed = 1 and gone = 0`

export const search = service(Search, {
  projection: true,
  migrations: [{ number: 1, name: 'product', additive: true, sql }],
})

async function name(tx: HandleContext, sku: string, version: number, text: string): Promise<void> {
  await tx.sql`
    insert into product (sku, name, name_version) values (${sku}, ${text}, ${version})
    on conflict (sku) do update set name = excluded.name, name_version = excluded.name_version
    where excluded.name_version > product.name_version`
}

async function price(tx: HandleContext, sku: string, version: number, cents: number): Promise<void> {
  await tx.sql`
    insert into product (sku, cents, cents_version) values (${sku}, ${cents}, ${version})
    on conflict (sku) do update set cents = excluded.cents, cents_version = excluded.cents_version
    where excluded.cents_version > product.cents_version`
}

search
  .subscribe('index', { from: 'start' })
  .on(Products.listed, async (tx, { data }) => {
    await name(tx, data.sku, 1, data.name)
    await price(tx, data.sku, 1, data.cents)
    await tx.sql`update product set listed = 1 where sku = ${data.sku}`
  })
  .on(Products.renamed, (tx, { data }) => name(tx, data.sku, data.version, data.name))
  .on(Products.repriced, (tx, { data }) => price(tx, data.sku, data.version, data.cents))
  .on(Products.delisted, async (tx, { data }) => {
    await tx.sql`
      insert into product (sku, gone) values (${data.sku}, 1) on conflict (sku) do update set gone = 1`
  })
