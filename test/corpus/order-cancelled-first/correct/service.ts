import { service } from 'skerry'
import { Orders, Web } from '../contract.ts'

const sql = `create table orders (id text primary key, total integer,
  cancelled integer not null default 0, paid integer not null default 0)`

export const orders = service(Orders, { migrations: [{ number: 1, name: 'orders', additive: true, sql }] })

orders
  .subscribe('orders', { from: 'start' })
  .on(Web.placed, async (tx, { data }) => {
    await tx.sql`
      insert into orders (id, total) values (${data.orderId}, ${data.total})
      on conflict (id) do update set total = excluded.total`
  })
  .on(Web.cancelled, async (tx, { data }) => {
    const rows = await tx.sql`
      insert into orders (id, cancelled) values (${data.orderId}, 1)
      on conflict (id) do update set cancelled = 1 where orders.cancelled = 0`
    if (rows.changes > 0) await tx.publish(Orders.released, { orderId: data.orderId })
  })
  .on(Web.paid, async (tx, { data }) => {
    await tx.sql`
      insert into orders (id, paid) values (${data.orderId}, 1) on conflict (id) do update set paid = 1`
  })
