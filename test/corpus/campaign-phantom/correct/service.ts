import { service } from 'skerry'
import { Catalogue, Merchant } from '../contract.ts'

const sql = `create table product (sku text primary key, shelf text not null);
  create table campaign (shelf text primary key, percent integer not null);
  create view offer as select sku, coalesce(percent, 0) as percent from product left join campaign using (shelf)`

export const catalogue = service(Catalogue, { migrations: [{ number: 1, name: 'product', additive: true, sql }] })

catalogue
  .subscribe('products', { from: 'start' })
  .on(Merchant.listed, async (tx, { data }) => {
    await tx.sql`insert into product (sku, shelf) values (${data.sku}, ${data.shelf})`
  })
  .on(Merchant.reduced, async (tx, { data }) => {
    await tx.sql`
      insert into campaign (shelf, percent) values (${data.shelf}, ${data.percent})
      on conflict (shelf) do update set percent = max(campaign.percent, excluded.percent)`
  })
