/** JetStream: confirmed publishes, 256 of them in flight. */
import { jetstreamManager } from '@nats-io/jetstream'
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { inFlight } from '../in-flight.ts'
import { openStream, publish, STREAM } from './jetstream.ts'

await contend(async (run) => {
  const peer = await openStream(run)

  const started = nowUs()
  await inFlight(run.events, 256, (index) => publish(peer, index))
  const elapsedMs = (nowUs() - started) / 1_000

  const manager = await jetstreamManager(peer.connection)
  const { messages } = (await manager.streams.info(STREAM)).state
  const lost = Math.max(run.events - messages, 0)
  return { events: run.events, elapsedMs, lost, duplicates: Math.max(messages - run.events, 0) }
})
