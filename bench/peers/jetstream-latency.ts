/**
 * JetStream: paced publish to handled, in one process as in Skerry's one-process variant. Latency ends when the
 * handler has returned and the acknowledgement is sent; waiting for the server to confirm it would only add to it. With
 * `effect` the handler commits what the other contenders' commit, to a SQLite file in the same durability class.
 */
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { effects } from '../effects.ts'
import { metronome } from '../metronome.ts'
import { steadyLatency } from '../steady.ts'
import { indexOf, type Payload, Tally } from '../workload.ts'
import { openConsumer, openStream, publish } from './jetstream.ts'

await contend(async (run) => {
  const peer = await openStream(run)
  const consumer = await openConsumer(peer)
  const messages = await consumer.consume()
  const sent = new Float64Array(run.events)
  const latencies: number[] = []
  const tally = new Tally(run.events)
  const effect = run.options.effect === true ? effects(run.folder, run.durability) : () => {}

  const handling = (async () => {
    for await (const message of messages) {
      const index = indexOf(message.json<Payload>().id)
      tally.add(index)
      effect(index)
      message.ack()
      latencies.push(nowUs() - (sent[index] ?? 0))
      if (latencies.length === run.events) return
    }
  })()

  const started = nowUs()
  const publishes: Promise<void>[] = []
  await metronome(run.perSecond, run.events, ({ index, sentUs }) => {
    sent[index] = sentUs
    publishes.push(publish(peer, index))
  })
  await Promise.all([...publishes, handling])
  const elapsedMs = (nowUs() - started) / 1_000

  return { events: run.events, elapsedMs, ...tally.count(), ...steadyLatency(latencies) }
})
