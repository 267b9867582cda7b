// Another process that serves the service under test; run by `crashing.ts`. Its handlers kill it at the word 'kill', as
// a native crash would; it says what it has reached, one word a line, and stops when its standard input ends.
import { once } from 'node:events'
import { startOn } from '../../start.ts'
import { systemClock } from '../../time.ts'
import type { JoinElsewhere } from './fixture.ts'
import { Ear, ear, quick, record, Town } from './words.ts'

const [module = '', location = '', order = 'none', where = 'handle'] = process.argv.slice(2)
const { join } = (await import(module)) as { join: JoinElsewhere }
const fixture = join(location)

const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

const service = ear()
service
  .subscribe('ears', { from: 'start', order: order === 'key' ? 'key' : 'none', retry: quick, budgetMs: 1000 })
  .on(Town.said, {
    prepare: async (ctx, event) => {
      if (where === 'prepare' && event.data.note === 'kill') die()
      if (where === 'once') await ctx.once('act', async (key) => act(event.data.note, key))
    },
    handle: async (tx, event) => {
      await record(tx, event)
      await tx.publish(Ear.heard, event.data)
      if (where === 'handle' && event.data.note === 'kill') die()
      if (event.data.note === 'exit') process.exit(3)
    },
  })

/** An effect outside: the parent counts the lines. */
async function act(note: string | undefined, key: string): Promise<string> {
  process.stdout.write(`act ${key}\n`)
  if (note === 'kill after') {
    // The act is done, and its result not yet on disk.
    await new Promise<void>((resolve) => void systemClock.after(20, resolve))
    die()
  }
  return key
}

process.stdin.resume()
const toldToStop = once(process.stdin, 'end')
const app = await startOn(
  {
    openBus: () => fixture.openBus({ clock: systemClock }),
    openStore: (name, options) => fixture.openStore(name, { ...options, clock: systemClock }),
  },
  [service],
)
process.stdout.write('started\n')
void app.settled().then(() => process.stdout.write('settled\n'))
await toldToStop
await app.stop()
