import { type HandleContext, type PrepareContext, service } from 'skerry'
import { Bank, sql, Teller } from '../contract.ts'

export const bank = service(Bank, { migrations: [{ number: 1, name: 'account', additive: true, sql }] })

interface Account {
  readonly balance: number
  readonly version: number
}

async function read(ctx: PrepareContext, account: string): Promise<Account> {
  const [row] = await ctx.sql<Account>`select balance, version from account where id = ${account}`
  return row ?? { balance: 0, version: 0 }
}

async function enter(tx: HandleContext, event: string, account: string, amount: number, was: Account) {
  await tx.sql`insert into entry (event, account, amount) values (${event}, ${account}, ${amount})`
  await tx.versioned`
    update account set balance = ${was.balance + amount}, version = version + 1
    where id = ${account} and version = ${was.version}`
}

bank
  .subscribe('entries', { from: 'start' })
  .on(Teller.deposited, {
    prepare: (ctx, { data }) => read(ctx, data.account),
    handle: (tx, { id, data }, was) => enter(tx, id, data.account, data.amount, was),
  })
  .on(Teller.withdrawn, {
    prepare: (ctx, { data }) => read(ctx, data.account),
    handle: (tx, { id, data }, was) => enter(tx, id, data.account, -data.amount, was),
  })
