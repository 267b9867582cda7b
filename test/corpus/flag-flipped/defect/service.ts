import { service } from 'skerry'
import { Admin, Flags } from '../contract.ts'

const sql = 'create table flag (id text primary key, is_on integer not null)'

export const flags = service(Flags, { migrations: [{ number: 1, name: 'flag', additive: true, sql }] })

flags
  .subscribe('flags', { from: 'start' })
  .on(Admin.flipped, async (tx, { data }) => {
    await tx.sql`
      insert into flag (id, is_on) values (${data.flag}, 1) on conflict (id) do update set is_on = 1 - flag.is_on`
  })
  .on(Admin.removed, async (tx, { data }) => {
    await tx.sql`delete from flag where id = ${data.flag}`
  })
