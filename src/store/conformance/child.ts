// What another process does to the store of a test; run by `processes.ts`. Says what it has reached, one word a line,
// and goes on when its standard input ends.
import { once } from 'node:events'
import { items, type OpenElsewhere, sqlOf } from './fixture.ts'

const [module = '', location = '', action = ''] = process.argv.slice(2)
const { open } = (await import(module)) as { open: OpenElsewhere }
const store = await open(location, { migrations: [items] })
process.stdin.resume()
const toldToGoOn = once(process.stdin, 'end')

if (action === 'open') process.stdout.write(`${store.identity}\n`)
if (action === 'hold')
  await store.write(async (tx) => {
    await sqlOf(tx)`insert into item (id) values (100)`
    process.stdout.write('inside\n')
    await toldToGoOn
  })
if (action === 'commit') {
  await store.write((tx) => sqlOf(tx)`insert into item (id) values (100)`)
  process.stdout.write('committed\n')
}
await toldToGoOn
await store.close()
