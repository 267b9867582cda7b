import { service } from 'skerry'
import { Orders, Website } from '../contract.ts'

const sql = 'create table reminder (id text primary key, event text, paid integer not null default 0)'

export const orders = service(Orders, { migrations: [{ number: 1, name: 'reminder', additive: true, sql }] })

orders
  .subscribe('reminders', { from: 'start' })
  .on(Website.ordered, async (tx, { data }) => {
    const event = await tx.publish(Orders.unpaid, data, { delay: 7 * 24 * 3600 * 1000 })
    const [row] = await tx.sql<{ paid: number }>`
      insert into reminder (id, event) values (${data.order}, ${event})
      on conflict (id) do update set event = excluded.event returning paid`
    if (row?.paid) await tx.cancel(Orders.unpaid, event)
  })
  .on(Website.paid, async (tx, { data }) => {
    const [row] = await tx.sql<{ event: string | null }>`
      insert into reminder (id, paid) values (${data.order}, 1)
      on conflict (id) do update set paid = 1 returning event`
    if (row?.event) await tx.cancel(Orders.unpaid, row.event)
  })
