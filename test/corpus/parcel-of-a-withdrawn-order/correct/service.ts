import { service } from 'skerry'
import { Orders, Parcels, Website } from '../contract.ts'

const orderTables = `create table orders (id text primary key, item text not null);
  create table cancelled (id text primary key)`
const parcelTables = `create table parcel (id text primary key, item text not null, stopped integer not null default 0);
  create table withdrawn (id text primary key)`

export const orders = service(Orders, { migrations: [{ number: 1, name: 'orders', additive: true, sql: orderTables }] })
export const parcels = service(Parcels, {
  migrations: [{ number: 1, name: 'parcel', additive: true, sql: parcelTables }],
})

orders
  .subscribe('orders', { from: 'start' })
  .on(Website.ordered, async (tx, { data }) => {
    await tx.sql`insert into orders (id, item) values (${data.order}, ${data.item})`
    await tx.publish(Orders.accepted, data)
  })
  .on(Website.cancelled, async (tx, { data }) => {
    await tx.sql`insert into cancelled (id) values (${data.order})`
    await tx.publish(Orders.withdrawn, data)
  })

parcels
  .subscribe('parcels', { from: 'start' })
  .on(Orders.accepted, async (tx, { data }) => {
    await tx.sql`
      insert into parcel (id, item, stopped)
      values (${data.order}, ${data.item}, exists (select 1 from withdrawn where id = ${data.order}))
      on conflict (id) do nothing`
  })
  .on(Orders.withdrawn, async (tx, { data }) => {
    await tx.sql`insert into withdrawn (id) values (${data.order}) on conflict (id) do nothing`
    await tx.sql`update parcel set stopped = 1 where id = ${data.order}`
  })
