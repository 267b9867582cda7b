import { service } from 'skerry'
import { Names, Portal } from '../contract.ts'

// A name stays with its first owner when the account is closed: the view shows it as free to nobody.
const sql = `create table name (name text primary key, owner text not null, asked integer not null);
  create table closed (account text primary key);
  create view in_use as select name, owner from name where owner not in (select account from closed)`

export const names = service(Names, {
  projection: true,
  migrations: [{ number: 1, name: 'name', additive: true, sql }],
})

names
  .subscribe('names', { from: 'start' })
  .on(Portal.claimed, async (tx, { data }) => {
    await tx.sql`
      insert into name (name, owner, asked) values (${data.name}, ${data.user}, ${data.asked})
      on conflict (name) do update set owner = excluded.owner, asked = excluded.asked
      where (excluded.asked, excluded.owner) < (name.asked, name.owner)`
  })
  .on(Portal.closed, async (tx, { data }) => {
    await tx.sql`insert into closed (account) values (${data.user}) on conflict (account) do nothing`
  })
