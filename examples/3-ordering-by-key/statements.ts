import { contract, service } from 'skerry'
import { Bank } from './contract.ts'

export const statements = service(contract('statements', { events: {} }), {
  migrations: new URL('./migrations/', import.meta.url),
})

// One subscription, so one order for each account, across both types.
statements
  .subscribe('lines', { from: 'start', order: 'key', retry: { firstMs: 50 } })
  .on(Bank.paidIn, async (tx, { data, attempt }) => {
    if (data.account === 'red' && attempt < 3) throw new Error('the red account is not ready')
    await tx.sql`insert into line (account, words) values (${data.account}, ${`paid in ${data.amount}, try ${attempt}`})`
  })
  .on(Bank.paidOut, async (tx, { data, attempt }) => {
    await tx.sql`insert into line (account, words) values (${data.account}, ${`paid out ${data.amount}, try ${attempt}`})`
  })
