import { service } from 'skerry'
import { Cluster, Votes } from '../contract.ts'

const sql = `create table leader (grp text primary key, node text not null, term integer not null);
  create table term (grp text, term integer, primary key (grp, term))`

export const cluster = service(Cluster, { migrations: [{ number: 1, name: 'leader', additive: true, sql }] })

cluster
  .subscribe('leaders', { from: 'start' })
  .on(Votes.elected, async (tx, { data: { group, term, node } }) => {
    await tx.sql`insert into term (grp, term) values (${group}, ${term}) on conflict do nothing`
    await tx.sql`
      insert into leader (grp, node, term) values (${group}, ${node}, ${term})
      on conflict (grp) do update set node = excluded.node, term = excluded.term`
  })
  .on(Votes.resigned, async (tx, { data: { group, term } }) => {
    await tx.sql`delete from leader where grp = ${group} and term = ${term}`
  })
