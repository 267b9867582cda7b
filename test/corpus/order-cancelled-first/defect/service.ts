import { service } from 'skerry'
import { Orders, Web } from '../contract.ts'

const sql = 'create table orders (id text primary key, total integer not null, status text not null)'

export const orders = service(Orders, { migrations: [{ number: 1, name: 'orders', additive: true, sql }] })

orders
  .subscribe('orders', { from: 'start' })
  .on(Web.placed, async (tx, { data }) => {
    await tx.sql`insert into orders (id, total, status) values (${data.orderId}, ${data.total}, 'open')`
  })
  .on(Web.cancelled, async (tx, { data }) => {
    const rows = await tx.sql`update orders set status = 'cancelled' where id = ${data.orderId}`
    if (rows.changes > 0) await tx.publish(Orders.released, { orderId: data.orderId })
  })
  .on(Web.paid, async (tx, { data }) => {
    await tx.sql`update orders set status = 'paid' where id = ${data.orderId}`
  })
