/**
 * Durable handling by a handler that does nothing. Timed from `start` (so opening the files is charged to Skerry, as
 * connecting is not to its peers) until the position is on disk behind the last event.
 */
import { contend } from '../contender.ts'
import { fill } from './skerry.ts'
import { timed } from './skerry-sink.ts'

await contend(async (run) => {
  await fill(run)
  return timed(run, 'opening')
})
