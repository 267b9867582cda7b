import { service } from 'skerry'
import { Branch, Ledger, sql } from '../contract.ts'

export const ledger = service(Ledger, { migrations: [{ number: 1, name: 'account', additive: true, sql }] })

ledger
  .subscribe('accounts', { from: 'start', retry: { firstMs: 50, attempts: 20 } })
  .on(Branch.opened, async (tx, { data }) => {
    await tx.sql`insert into account (id, cents) values (${data.account}, 0) on conflict (id) do nothing`
  })
  .on(Branch.deposited, async (tx, { data }) => {
    const done = await tx.sql`update account set cents = cents + ${data.cents} where id = ${data.account}`
    if (done.changes === 0) throw new Error(`account ${data.account} is not known yet`)
  })
