import { start } from 'skerry'
import { catalogue } from './catalogue.ts'
import { Office } from './contract.ts'
import { skerry } from './skerry.ts'

const app = await start([catalogue])

// Somebody typed a comma. The teapot's next price waits behind it; the kettle does not.
await Promise.all([
  app.publish(Office.priced, { item: 'teapot', price: '12,50' }),
  app.publish(Office.priced, { item: 'teapot', price: '11.00' }),
  app.publish(Office.priced, { item: 'kettle', price: '7.20' }),
])
await showPrices()

const list = await skerry('dead', 'list')
const id = /^([0-9a-f]{12})\b/m.exec(list)?.[1] ?? 'none'
await skerry('dead', 'show', id)
await skerry('dead', 'edit', id, '--data', '{"item":"teapot","price":"12.50"}')
await skerry('dead', 'redrive', id)
await showPrices()

await app.stop()

async function showPrices(): Promise<void> {
  await app.settled()
  console.log('\nprices, in the order in which they were handled:')
  const prices = await app.read(catalogue, (tx) => tx.sql`select item, price from price order by number`)
  for (const { item, price } of prices) console.log(`  ${item} ${price}`)
}
