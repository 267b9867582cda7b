import { service } from 'skerry'
import { Takings, Till } from '../contract.ts'

const sql = 'create table day (day text primary key, cents integer not null, closed integer not null default 0)'

export const takings = service(Takings, {
  projection: true,
  migrations: [{ number: 1, name: 'day', additive: true, sql }],
})

takings
  .subscribe('days', { from: 'start' })
  .on(Till.sold, async (tx, { data }) => {
    await tx.sql`
      insert into day (day, cents) values (${data.day}, ${data.cents})
      on conflict (day) do update set cents = day.cents + excluded.cents where day.closed = 0`
  })
  .on(Till.refunded, async (tx, { data }) => {
    await tx.sql`update day set cents = cents - ${data.cents} where day = ${data.day} and closed = 0`
  })
  .on(Till.closed, async (tx, { data }) => {
    await tx.sql`update day set closed = 1 where day = ${data.day}`
  })
