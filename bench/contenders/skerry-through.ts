/**
 * Publish and handle, the whole way over an engine: 256 publishes in flight, each confirmed, beside a subscription whose
 * handler does nothing and whose position is kept in the store. Timed until the position is on disk behind the last
 * event; opening and the first look at the engine are not timed, as connecting is not for the engine's own client.
 */
import { contract, service, start } from 'skerry'
import { nowUs } from '../clock.ts'
import { contend, option } from '../contender.ts'
import { IN_FLIGHT } from '../in-flight.ts'
import { indexOf, Tally } from '../workload.ts'
import { handledBy, Load, optionsOf, publishAll } from './skerry.ts'

await contend(async (run) => {
  const tally = new Tally(run.events)
  const sink = service(contract('sink', { events: {} }))
  sink.subscribe('work', { from: 'start' }).on(Load.given, (_tx, event) => tally.add(indexOf(event.data.id)))
  const app = await start([sink], optionsOf(run))

  const started = nowUs()
  await publishAll(app, run.events, option(run, 'inFlight', IN_FLIGHT))
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
