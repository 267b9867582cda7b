import { type HandleContext, service } from 'skerry'
import { Bank, Ledger, sql } from '../contract.ts'

export const ledger = service(Ledger, { migrations: [{ number: 1, name: 'account', additive: true, sql }] })

async function book(tx: HandleContext, fact: string, account: string, cents: number): Promise<void> {
  const first = await tx.sql`insert into fact (id, cents) values (${fact}, ${cents}) on conflict (id) do nothing`
  if (first.changes > 0)
    await tx.sql`
      insert into account (id, cents) values (${account}, ${cents})
      on conflict (id) do update set cents = account.cents + excluded.cents`
}

ledger
  .subscribe('accounts', { from: 'start' })
  .on(Bank.paid, (tx, { id, data }) => book(tx, id, data.account, data.cents))
  .on(Bank.paidBack, (tx, { id, data }) => book(tx, id, data.account, -data.cents))
  .on(Bank.corrected, (tx, { id, data }) => book(tx, id, data.account, 10 * data.cents))
