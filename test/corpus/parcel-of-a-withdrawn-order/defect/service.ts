import { service } from 'skerry'
import { Orders, Parcels, Website } from '../contract.ts'

const orderTable = 'create table orders (id text primary key, item text not null)'
const parcelTables = `create table parcel (id text primary key, item text not null, stopped integer not null default 0);
  create table withdrawn (id text primary key)`

export const orders = service(Orders, { migrations: [{ number: 1, name: 'orders', additive: true, sql: orderTable }] })
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
    const gone = await tx.sql`delete from orders where id = ${data.order}`
    if (gone.changes > 0) await tx.publish(Orders.withdrawn, data)
  })

parcels
  .subscribe('parcels', { from: 'start' })
  .on(Orders.accepted, async (tx, { data }) => {
    await tx.sql`insert into parcel (id, item) values (${data.order}, ${data.item})`
  })
  .on(Orders.withdrawn, async (tx, { data }) => {
    await tx.sql`insert into withdrawn (id) values (${data.order}) on conflict (id) do nothing`
    await tx.sql`delete from parcel where id = ${data.order}`
  })
