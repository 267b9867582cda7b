import { type HandleContext, service } from 'skerry'
import { Admin, Flags } from '../contract.ts'

const sql = 'create table flag (id text primary key, version integer not null, is_on integer not null)'

export const flags = service(Flags, { migrations: [{ number: 1, name: 'flag', additive: true, sql }] })

/** On is 2, off is 1, removed is 0: of one version, which nobody should send, the higher stays. */
async function set(tx: HandleContext, flag: string, version: number, on: 0 | 1 | 2): Promise<void> {
  await tx.sql`
    insert into flag (id, version, is_on) values (${flag}, ${version}, ${on})
    on conflict (id) do update set version = excluded.version, is_on = excluded.is_on
    where (excluded.version, excluded.is_on) > (flag.version, flag.is_on)`
}

flags
  .subscribe('flags', { from: 'start' })
  .on(Admin.flipped, (tx, { data }) => set(tx, data.flag, data.version, data.on ? 2 : 1))
  .on(Admin.removed, (tx, { data }) => set(tx, data.flag, data.version, 0))
