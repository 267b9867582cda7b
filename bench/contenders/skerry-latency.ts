/**
 * Paced publish to commit of the effect: one row and the position, as in the bare loop. In one process the beats, the
 * publisher, the writer's thread and the handler share it. With `processes: 2` the publisher and the writer are in this
 * process and the handler in another: the event crosses over once, as in the bare loop of two processes. Latency ends
 * where the watcher is told of the commit, in the handler's process; the clock is the machine's.
 */
import { type App, service } from 'skerry'
import { nowUs } from '../clock.ts'
import { contend, option } from '../contender.ts'
import { partOf, play, say, startPart } from '../second.ts'
import { steadyLatency } from '../steady.ts'
import type { Measured, Run } from '../types.ts'
import { indexOf } from '../workload.ts'
import { Commits } from './commits.ts'
import { type AnyOut, accounts, changesIn, Load, Out, optionsOf, publishPaced, startAs } from './skerry.ts'

/** What the handling side says at the end. */
interface Handled {
  readonly atUs: Float64Array
  readonly lost: number
  readonly duplicates: number
}

if (partOf() === 'handler') await play(handleApart)
else await contend((run) => (option(run, 'processes', 1) === 2 ? twoProcesses(run) : oneProcess(run)))

async function oneProcess(run: Run): Promise<Measured> {
  const { out, commits } = handling(run)
  const app = await startAs('leading', [out], { ...optionsOf(run), watcher: commits.watch })
  const { started, sent } = await publishPaced(app, run)
  await commits.done
  const elapsedMs = (nowUs() - started) / 1_000
  const handled = await handledBy(run, app, out, commits)
  await app.stop()
  return measured(run, elapsedMs, sent, handled)
}

async function twoProcesses(run: Run): Promise<Measured> {
  const app = await startAs('leading', [], optionsOf(run))
  const handler = startPart(import.meta.filename, 'handler', run)
  await handler.next()
  const { started, sent } = await publishPaced(app, run)
  const handled = await handler.next<Handled>()
  const elapsedMs = (nowUs() - started) / 1_000
  await handler.ended()
  await app.stop()
  return measured(run, elapsedMs, sent, handled)
}

async function handleApart(run: Run): Promise<void> {
  const { out, commits } = handling(run)
  const app = await startAs('following', [out], { ...optionsOf(run), watcher: commits.watch })
  say('ready')
  await commits.done
  say(await handledBy(run, app, out, commits))
  await app.stop()
}

function handling(run: Run) {
  const commits = new Commits(run.events)
  const out = service(Out, { migrations: accounts })
  out.subscribe('work', { from: 'start' }).on(Load.given, async (tx, event) => {
    await tx.sql`update account set handled = handled + 1 where key = ${event.data.key}`
    commits.handled(indexOf(event.data.id), event.id)
  })
  return { out, commits }
}

async function handledBy(run: Run, app: App, out: AnyOut, commits: Commits): Promise<Handled> {
  const { lost, duplicates } = commits.tally.count()
  const changes = await changesIn(app, out)
  return { atUs: commits.times(), lost, duplicates: Math.max(duplicates, changes - run.events) }
}

function measured(run: Run, elapsedMs: number, sent: Float64Array, { atUs, lost, duplicates }: Handled): Measured {
  const latencies = Array.from(atUs, (us, index) => us - (sent[index] ?? 0))
  return { events: run.events, elapsedMs, lost, duplicates, ...steadyLatency(latencies) }
}
