import { service } from 'skerry'
import { Names, Portal } from '../contract.ts'

const sql = 'create table name (name text primary key, owner text not null)'

export const names = service(Names, {
  projection: true,
  migrations: [{ number: 1, name: 'name', additive: true, sql }],
})

names
  .subscribe('names', { from: 'start' })
  .on(Portal.claimed, async (tx, { data }) => {
    await tx.sql`insert into name (name, owner) values (${data.name}, ${data.user}) on conflict (name) do nothing`
  })
  .on(Portal.closed, async (tx, { data }) => {
    await tx.sql`delete from name where owner = ${data.user}`
  })
