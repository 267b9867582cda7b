import { type HandleContext, service } from 'skerry'
import { Billing, Psp } from '../contract.ts'

const sql = `create table account (id text primary key, cents integer not null);
  create table seen (fact text primary key)`

export const billing = service(Billing, { migrations: [{ number: 1, name: 'account', additive: true, sql }] })

async function book(tx: HandleContext, fact: string, account: string, cents: number): Promise<void> {
  const first = await tx.sql`insert into seen (fact) values (${fact}) on conflict (fact) do nothing`
  if (first.changes === 0) return
  await tx.sql`
    insert into account (id, cents) values (${account}, ${cents})
    on conflict (id) do update set cents = account.cents + excluded.cents`
}

billing
  .subscribe('accounts', { from: 'start' })
  .on(Psp.charged, (tx, { data }) => book(tx, `charged ${data.transfer}`, data.account, data.cents))
  .on(Psp.refunded, (tx, { data }) => book(tx, `refunded ${data.transfer}`, data.account, -data.cents))
  .on(Psp.disputed, (tx, { data }) => book(tx, `disputed ${data.transfer}`, data.account, -2 * data.cents))
