import { service } from 'skerry'
import { Branch, Ledger, sql } from '../contract.ts'

export const ledger = service(Ledger, { migrations: [{ number: 1, name: 'account', additive: true, sql }] })

ledger
  .subscribe('accounts', { from: 'start' })
  .on(Branch.opened, async (tx, { data }) => {
    await tx.sql`insert or replace into account (id, cents) values (${data.account}, 0)`
  })
  .on(Branch.deposited, async (tx, { data }) => {
    await tx.sql`update account set cents = cents + ${data.cents} where id = ${data.account}`
  })
