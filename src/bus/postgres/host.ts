// Another process on a bus, for tests: `append` publishes one event after another and says each number once it is
// accepted; `join` is a member of a group and takes its turn. Ends when its standard input ends.
import { encodeFrame } from '../../frame.ts'
import { openPostgresBus } from './open.ts'

const [url = '', app = '', task = '', name = ''] = process.argv.slice(2)
const bus = await openPostgresBus({ url, app, durability: 'engine' })
let ended = false
process.stdin.resume()
process.stdin.on('end', () => {
  ended = true
})

if (task === 'append') {
  for (let n = 1; !ended; n++) {
    const record = { id: `${name}-${n}`, type: 'happened', version: 1, key: name, time: 0, due: 0, expires: 0 }
    const frame = encodeFrame([{ ...record, attributes: undefined, data: '{}' }])
    await bus.append({ stream: 's', producer: name, after: n - 1, first: n, count: 1, frame })
    process.stdout.write(`${n}\n`)
  }
} else {
  const group = bus.group?.('store', name)
  await group?.members()
  await group?.turn()
  process.stdout.write('turn\n')
  await new Promise((resolve) => process.stdin.once('end', resolve))
}
await bus.close()
