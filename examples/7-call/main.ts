import { start } from 'skerry'
import { Office } from './contract.ts'
import { office } from './office.ts'

const told: string[] = []
office.on(Office.sold, { name: 'tell', from: 'now' }, (_tx, { data }) => {
  told.push(`event: ${data.seats} sold for ${data.show}`)
})

// A free port: whoever asks is told where.
const app = await start([office], { http: '127.0.0.1:0' })

async function buy(seats: number, key: string): Promise<void> {
  const answer = await fetch(`${app.url}/shows/hamlet/tickets`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `"${key}"` },
    body: JSON.stringify({ seats }),
  })
  console.log(`${key}: ${answer.status} ${await answer.text()}`)
}

await buy(3, 'first')
// The answer was lost, says the client, and asks again: nothing is sold twice.
await buy(3, 'first')
await buy(1, 'first')
await buy(4, 'second')
await app.settled()
for (const line of told) console.log(line)

console.log(`GET: ${await (await fetch(`${app.url}/shows/hamlet`)).text()}`)

// Within the process, typed by the contract.
const { left } = await app.call(Office.left, { show: 'hamlet' })
console.log(`app.call: ${left} left`)
const refused = await app.call(Office.buy, { show: 'hamlet', seats: 9 }).catch((error: unknown) => error)
if (Office.buy.refused(refused, 'soldOut')) console.log(`app.call: sold out, ${refused.data.left} left`)

const description = await fetch(`${app.url}/openapi.json`)
const described = (await description.json()) as { openapi: string; paths: object }
console.log(`OpenAPI ${described.openapi}: ${Object.keys(described.paths).join(', ')}`)

await app.stop()
