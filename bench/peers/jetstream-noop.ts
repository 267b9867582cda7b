/**
 * JetStream: consume and acknowledge events, by a handler that does nothing. Its README shows two ways: an iterator,
 * in which a handler may wait for something, and a callback, in which it may not. The first is the one to compare
 * with handlers that may do anything; the second is shown beside it (`callback: true`).
 */
import type { Consumer, JsMsg } from '@nats-io/jetstream'
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'
import { inFlight } from '../in-flight.ts'
import { indexOf, type Payload, Tally } from '../workload.ts'
import { openConsumer, openStream, publish, unsettled } from './jetstream.ts'

await contend(async (run) => {
  const peer = await openStream(run)
  await inFlight(run.events, 256, (index) => publish(peer, index))
  const consumer = await openConsumer(peer)
  const tally = new Tally(run.events)
  const handle = (message: JsMsg): void => {
    tally.add(indexOf(message.json<Payload>().id))
    message.ack()
  }

  const started = nowUs()
  if (run.options.callback === true) await byCallback(consumer, run.events, handle)
  else await byIterator(consumer, run.events, handle)
  // The acknowledgements are on their way: done once the server has all of them.
  await peer.connection.flush()
  const elapsedMs = (nowUs() - started) / 1_000

  const left = await unsettled(consumer)
  const { lost, duplicates } = tally.count()
  return { events: run.events, elapsedMs, lost, duplicates, ...(left > 0 && { notes: `${left} not acknowledged` }) }
})

async function byIterator(consumer: Consumer, events: number, handle: (message: JsMsg) => void): Promise<void> {
  let handled = 0
  for await (const message of await consumer.consume()) {
    handle(message)
    if (++handled === events) return
  }
}

async function byCallback(consumer: Consumer, events: number, handle: (message: JsMsg) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let handled = 0
  const callback = (message: JsMsg): void => {
    handle(message)
    if (++handled === events) resolve()
  }
  await consumer.consume({ callback })
  await promise
}
