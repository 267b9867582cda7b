import { start } from 'skerry'
import { Gate, Warehouse } from './contract.ts'

// Drizzle's tables are of one database or another, Skerry's services of none: a project has one of these two.
const onPostgres = process.env.SKERRY_STORE?.startsWith('postgres') ?? false
const { warehouse, left } = onPostgres ? await import('./postgres.ts') : await import('./sqlite.ts')

const complaints: string[] = []
warehouse.on(Warehouse.short, { name: 'complain', from: 'start' }, (_tx, { data }) => {
  complaints.push(`${data.missing} ${data.item}s more were wanted`)
})

const app = await start([warehouse])

await app.publish(Gate.arrived, { item: 'teapot', quantity: 3 })
await app.publish(Gate.arrived, { item: 'kettle', quantity: 1 })
await app.publish(Gate.left, { item: 'teapot', quantity: 1 })
await app.publish(Gate.left, { item: 'kettle', quantity: 6 })
await app.settled()

for (const { item, quantity } of await app.read(warehouse, (tx) => left(tx))) console.log(`${item}: ${quantity} left`)
for (const complaint of complaints) console.log(complaint)

await app.stop()
