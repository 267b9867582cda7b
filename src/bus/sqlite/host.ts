// A process of its own for the tests: it holds a bus open, does what it is told, and is killed or stopped. Says what it
// has reached, one line each.
import { once } from 'node:events'
import { encodeFrame } from '../../frame.ts'
import { openSqliteBus } from './open.ts'

const [file = '', action = 'open', name = ''] = process.argv.slice(2)
const say = (line: string | number): void => void process.stdout.write(`${line}\n`)

const bus = await openSqliteBus({
  file,
  // The default durability, and the real thing: death at a named place.
  ...(action.startsWith('bus.') ? { crash: (point) => point === action && process.kill(process.pid, 'SIGKILL') } : {}),
})
say('open')

if (action === 'append')
  for (let n = 1; ; n++) {
    await append(n, 1)
    say(n)
  }
if (action === 'join') {
  const seat = bus.group?.('store', name)
  await seat?.turn()
  say('turn')
}
if (action.startsWith('bus.')) await append(1, 5)

process.stdin.resume()
await once(process.stdin, 'end')
await bus.close()

function append(first: number, count: number): Promise<void> {
  const common = {
    type: 'happened',
    version: 1,
    key: '',
    time: 0,
    due: 0,
    expires: 0,
    attributes: undefined,
    data: '{}',
  }
  const records = Array.from({ length: count }, (_, i) => ({ ...common, id: `${name}-${first + i}` }))
  return bus.append({ stream: 's', producer: name, after: first - 1, first, count, frame: encodeFrame(records) })
}
