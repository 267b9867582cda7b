/**
 * Confirmed publish with 256 in flight. The publisher is in the process that writes the bus, in the writer's neighbour
 * thread; with `processes: 2` another process came first and writes, and the publisher is connected to it.
 */
import { nowUs } from '../clock.ts'
import { contend, option } from '../contender.ts'
import { heard, partOf, play, say, startPart } from '../second.ts'
import type { Run } from '../types.ts'
import { optionsOf, publishAll, startAs, tallyOf } from './skerry.ts'

const IN_FLIGHT = 256

if (partOf() === 'writer') await play(write)
else {
  await contend(async (run) => {
    const apart = option(run, 'processes', 1) === 2
    const writer = apart ? startPart(import.meta.filename, 'writer', run) : undefined
    await writer?.next()

    const app = await startAs(apart ? 'following' : 'leading', [], optionsOf(run))
    const started = nowUs()
    await publishAll(app, run.events, IN_FLIGHT)
    const elapsedMs = (nowUs() - started) / 1_000

    await app.stop()
    writer?.ask()
    await writer?.ended()
    const { lost, duplicates } = (await tallyOf(run, 'load')).count()
    return { events: run.events, elapsedMs, lost, duplicates }
  })
}

async function write(run: Run): Promise<void> {
  const app = await startAs('leading', [], optionsOf(run))
  say('ready')
  await heard()
  await app.stop()
}
