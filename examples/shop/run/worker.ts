/**
 * A service process: runs the services it is told to, answers its supervisor, and ends when the supervisor does.
 *
 *     node run/worker.ts <state folder> <name of the run> <service>…
 */
import { type App, start } from 'skerry'
import { type ServiceName, services } from '../services.ts'
import { answer } from './answer.ts'
import type { Reply, Request } from './messages.ts'
import { Latencies } from './vitals.ts'

/** An orphan hands back what it holds, but does not hold up the next run for longer than this. */
const orphanMs = 3000

const [state = '', name = '', ...names] = process.argv.slice(2) as [string, string, ...ServiceName[]]
const latencies = new Latencies()

// Before anything is opened: a process that waits for a lock must still answer that it is alive.
process.on('message', (request: Request) => {
  if (request.kind === 'ping') say({ kind: 'pong', vitals: latencies.vitals() })
  else void reply(request)
})
process.on('disconnect', () => {
  setTimeout(() => process.exit(1), orphanMs).unref()
  void stop()
})
process.on('SIGTERM', () => void stop())
// A terminal sends it to every process of the group; the supervisor decides what it means.
process.on('SIGINT', () => {})

const app = start(
  names.map((name) => services[name]),
  { dir: state, app: name, watcher: latencies.watcher },
)
app.then(
  () => say({ kind: 'ready' }),
  (error) => {
    process.stderr.write(`shop: ${names.join(', ')}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  },
)

async function reply({ id, service, question }: Extract<Request, { kind: 'ask' }>): Promise<void> {
  try {
    say({ kind: 'answer', id, answer: await answer(await app, service, question) })
  } catch (error) {
    say({ kind: 'refusal', id, message: String(error) })
  }
}

function say(what: Reply): void {
  // A supervisor that is gone cannot be told.
  if (process.connected) process.send?.(what, () => {})
}

async function stop(): Promise<void> {
  await app.then((running: App) => running.stop())
  process.exit(0)
}
