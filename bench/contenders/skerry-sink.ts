/** A subscription whose handler does nothing but count, and the verdict on what it handled. */
import { type App, contract, service, start } from 'skerry'
import { nowUs } from '../clock.ts'
import type { Measured, Run } from '../types.ts'
import { indexOf, Tally } from '../workload.ts'
import { handledBy, Load, optionsOf } from './skerry.ts'

/**
 * Times `work` until the position is on disk behind the last event. `from` says what is charged:
 * with `opening` what it takes to start, too.
 */
export async function timed(
  run: Run,
  from: 'opening' | 'work',
  work: (app: App) => Promise<void> = async () => {},
): Promise<Measured> {
  const tally = new Tally(run.events)
  const sink = service(contract('sink', { events: {} }))
  sink.subscribe('work', { from: 'start' }).on(Load.given, (_tx, event) => tally.add(indexOf(event.data.id)))
  const opening = nowUs()
  const app = await start([sink], optionsOf(run))
  const started = from === 'opening' ? opening : nowUs()
  await work(app)
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
}
