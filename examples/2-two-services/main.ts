import { start } from 'skerry'
import { orders } from './orders/service.ts'
import { parcels } from './parcels/service.ts'
import { Website } from './website/contract.ts'

const app = await start([orders, parcels])

await app.publish(Website.ordered, { order: 'A-1', item: 'teapot' })
await app.publish(Website.ordered, { order: 'A-2', item: 'kettle' })

// Nothing here calls anything: website.ordered → orders.accepted → parcels.sent.
await app.settled()

for (const { id, item, state } of await app.read(orders, (tx) => tx.sql`select * from orders order by id`))
  console.log(`orders:  ${id} ${item} is ${state}`)
for (const { for_order, contents } of await app.read(parcels, (tx) => tx.sql`select * from parcels order by for_order`))
  console.log(`parcels: ${contents} for ${for_order}`)

await app.stop()
