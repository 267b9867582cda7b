import { type HandleContext, service } from 'skerry'
import { Takings, Till } from '../contract.ts'

const sql = 'create table day (day text primary key, cents integer not null, closed integer not null)'

export const takings = service(Takings, {
  projection: true,
  migrations: [{ number: 1, name: 'day', additive: true, sql }],
})

async function add(tx: HandleContext, day: string, cents: number, closed: 0 | 1): Promise<void> {
  await tx.sql`
    insert into day (day, cents, closed) values (${day}, ${cents}, ${closed})
    on conflict (day) do update set cents = day.cents + excluded.cents, closed = max(day.closed, excluded.closed)`
}

takings
  .subscribe('days', { from: 'start' })
  .on(Till.sold, (tx, { data }) => add(tx, data.day, data.cents, 0))
  .on(Till.refunded, (tx, { data }) => add(tx, data.day, -data.cents, 0))
  .on(Till.closed, (tx, { data }) => add(tx, data.day, 0, 1))
