import { start } from 'skerry'
import { Bank } from './contract.ts'
import { statements } from './statements.ts'

const app = await start([statements])

// Published in this order; `red` fails twice at its first event.
await Promise.all([
  app.publish(Bank.paidIn, { account: 'red', amount: 100 }),
  app.publish(Bank.paidIn, { account: 'blue', amount: 10 }),
  app.publish(Bank.paidOut, { account: 'red', amount: 60 }),
  app.publish(Bank.paidOut, { account: 'blue', amount: 6 }),
  app.publish(Bank.paidOut, { account: 'red', amount: 40 }),
])

await app.settled()
const lines = await app.read(statements, (tx) => tx.sql`select account, words from line order by place`)
for (const { account, words } of lines) console.log(`${account}: ${words}`)

await app.stop()
