import { service } from 'skerry'
import { Desk, Support, sql } from '../contract.ts'

export const desk = service(Desk, { migrations: [{ number: 1, name: 'ticket', additive: true, sql }] })

desk
  .subscribe('tickets', { from: 'start' })
  .on(Support.opened, async (tx, { data }) => {
    await tx.sql`insert into ticket (id, opened) values (${data.ticket}, 1)`
  })
  .on(Support.closed, async (tx, { data }) => {
    await tx.sql`update ticket set closed = 1 where id = ${data.ticket}`
  })
  .on(Support.free, {
    prepare: async (ctx) => {
      const [row] = await ctx.sql<{ id: string }>`
        select id from ticket where agent is null and closed = 0 order by id limit 1`
      return row?.id
    },
    handle: async (tx, { id, data }, ticket) => {
      if (!ticket) return
      await tx.sql`update ticket set agent = ${data.agent} where id = ${ticket}`
      await tx.sql`insert into assignment (event, ticket, agent) values (${id}, ${ticket}, ${data.agent})`
      await tx.publish(Desk.assigned, { ticket, agent: data.agent })
    },
  })
