import { service } from 'skerry'
import { Desk, Support, sql } from '../contract.ts'

export const desk = service(Desk, { migrations: [{ number: 1, name: 'ticket', additive: true, sql }] })

desk
  .subscribe('tickets', { from: 'start' })
  .on(Support.opened, async (tx, { data }) => {
    await tx.sql`insert into ticket (id, opened) values (${data.ticket}, 1) on conflict (id) do update set opened = 1`
  })
  .on(Support.closed, async (tx, { data }) => {
    await tx.sql`insert into ticket (id, closed) values (${data.ticket}, 1) on conflict (id) do update set closed = 1`
  })
  .on(Support.free, async (tx, { id, data }) => {
    const [row] = await tx.sql<{ id: string }>`
      update ticket set agent = ${data.agent}
      where id = (select id from ticket where agent is null and opened = 1 and closed = 0 order by id limit 1)
      returning id`
    if (!row) return
    await tx.sql`insert into assignment (event, ticket, agent) values (${id}, ${row.id}, ${data.agent})`
    await tx.publish(Desk.assigned, { ticket: row.id, agent: data.agent })
  })
