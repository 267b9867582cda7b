import { type HandleContext, type PrepareContext, service } from 'skerry'
import { Bank, sql, Teller } from '../contract.ts'

export const bank = service(Bank, { migrations: [{ number: 1, name: 'account', additive: true, sql }] })

async function balanceOf(ctx: PrepareContext, account: string): Promise<number> {
  const [row] = await ctx.sql<{ balance: number }>`select balance from account where id = ${account}`
  return row?.balance ?? 0
}

async function enter(tx: HandleContext, event: string, account: string, amount: number, balance: number) {
  await tx.sql`insert into entry (event, account, amount) values (${event}, ${account}, ${amount})`
  await tx.sql`update account set balance = ${balance}, version = version + 1 where id = ${account}`
}

bank
  .subscribe('entries', { from: 'start' })
  .on(Teller.deposited, {
    prepare: async (ctx, { data }) => (await balanceOf(ctx, data.account)) + data.amount,
    handle: (tx, { id, data }, balance) => enter(tx, id, data.account, data.amount, balance),
  })
  .on(Teller.withdrawn, {
    prepare: async (ctx, { data }) => (await balanceOf(ctx, data.account)) - data.amount,
    handle: (tx, { id, data }, balance) => enter(tx, id, data.account, -data.amount, balance),
  })
