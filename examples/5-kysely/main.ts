import { start } from 'skerry'
import { kysely } from 'skerry/kysely'
import { Gate } from './contract.ts'
import { complaints, type Tables, warehouse } from './warehouse.ts'

const app = await start([warehouse])

await app.publish(Gate.arrived, { item: 'teapot', quantity: 3 })
await app.publish(Gate.arrived, { item: 'kettle', quantity: 1 })
await app.publish(Gate.left, { item: 'teapot', quantity: 1 })
await app.publish(Gate.left, { item: 'kettle', quantity: 6 })
await app.settled()

const rows = await app.read(warehouse, (tx) =>
  kysely<Tables>(tx).selectFrom('stock').selectAll().orderBy('item').execute(),
)
for (const { item, quantity } of rows) console.log(`${item}: ${quantity} left`)
for (const complaint of complaints) console.log(complaint)

await app.stop()
