import { start } from 'skerry'
import { Door } from './contract.ts'
import { greeter } from './greeter.ts'

const app = await start([greeter])

await app.publish(Door.opened, { visitor: 'Ada' })
await app.publish(Door.opened, { visitor: 'Grace' })

await app.settled()
const greetings = await app.read(greeter, (tx) => tx.sql`select words from greeting order by number`)
for (const { words } of greetings) console.log(words)

await app.stop()
