import { type HandleContext, service } from 'skerry'
import { Account, Profiles } from '../contract.ts'

const sql = `create table field (account text, name text, version integer not null, value text not null,
  primary key (account, name))`

export const profiles = service(Profiles, { migrations: [{ number: 1, name: 'field', additive: true, sql }] })

interface Change {
  readonly account: string
  readonly version: number
  readonly value: string
}

async function set(tx: HandleContext, name: string, { account, version, value }: Change): Promise<void> {
  await tx.sql`
    insert into field (account, name, version, value) values (${account}, ${name}, ${version}, ${value})
    on conflict (account, name) do update set version = excluded.version, value = excluded.value
    where excluded.version > field.version`
}

profiles
  .subscribe('profiles', { from: 'start' })
  .on(Account.renamed, (tx, { data }) => set(tx, 'name', data))
  .on(Account.movedTo, (tx, { data }) => set(tx, 'address', data))
  .on(Account.gotPhone, (tx, { data }) => set(tx, 'phone', data))
