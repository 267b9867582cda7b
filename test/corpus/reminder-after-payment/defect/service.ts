import { service } from 'skerry'
import { Orders, Website } from '../contract.ts'

const sql = 'create table reminder (id text primary key, event text not null)'

export const orders = service(Orders, { migrations: [{ number: 1, name: 'reminder', additive: true, sql }] })

orders
  .subscribe('reminders', { from: 'start' })
  .on(Website.ordered, async (tx, { data }) => {
    const event = await tx.publish(Orders.unpaid, data, { delay: 7 * 24 * 3600 * 1000 })
    await tx.sql`insert into reminder (id, event) values (${data.order}, ${event})`
  })
  .on(Website.paid, async (tx, { data }) => {
    const [row] = await tx.sql<{ event: string }>`delete from reminder where id = ${data.order} returning event`
    if (row) await tx.cancel(Orders.unpaid, row.event)
  })
