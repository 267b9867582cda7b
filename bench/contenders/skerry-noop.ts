/**
 * Durable handling by a handler that does nothing. Timed from `start` (so opening the files is charged to Skerry, as
 * connecting is not to its peers) until the position is on disk behind the last event.
 */
import { contract, service, start } from 'skerry'
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { indexOf, Tally } from '../workload.ts'
import { fill, handledBy, Load, optionsOf } from './skerry.ts'

await contend(async (run) => {
  const tally = new Tally(run.events)
  const sink = service(contract('sink', { events: {} }))
  sink.subscribe('work', { from: 'start' }).on(Load.given, (_tx, event) => tally.add(indexOf(event.data.id)))
  await fill(run)

  const started = nowUs()
  const app = await start([sink], optionsOf(run))
  await app.settled()
  const elapsedMs = (nowUs() - started) / 1_000

  const { lost, duplicates } = tally.count()
  const unsettled = run.events - (await handledBy(app, sink))
  await app.stop()
  return {
    events: run.events,
    elapsedMs,
    lost,
    duplicates,
    ...(unsettled !== 0 && { notes: `${unsettled} not recorded as handled` }),
  }
})
