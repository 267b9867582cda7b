/** Exactly-once handling: one row changed and one event emitted for each event; timed until all of them are on the bus. */
import { service, start } from 'skerry'
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import type { Run } from '../types.ts'
import { emitted } from '../workload.ts'
import { type AnyOut, accountsOf, changesIn, fill, Load, Out, optionsOf, tallyOf } from './skerry.ts'

await contend(async (run) => {
  const out = handling(run)
  await fill(run)
  const started = nowUs()
  const app = await start([out], optionsOf(run))
  await app.settled()
  const elapsedMs = (nowUs() - started) / 1_000
  const handled = await changesIn(app, out)
  await app.stop()
  const { lost, duplicates } = (await tallyOf(run, 'out')).count()
  return {
    events: run.events,
    elapsedMs,
    lost: Math.max(lost, run.events - handled),
    duplicates: Math.max(duplicates, handled - run.events),
  }
})

function handling(run: Run): AnyOut {
  const out = service(Out, { migrations: accountsOf(run) })
  out.subscribe('work', { from: 'start' }).on(Load.given, async (tx, event) => {
    await tx.sql`update account set handled = handled + 1 where key = ${event.data.key}`
    await tx.publish(Out.emitted, emitted(event.data))
  })
  return out
}
