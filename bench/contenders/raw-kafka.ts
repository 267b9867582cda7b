/**
 * Kafka's client, publish and handle, over as many partitions as Skerry makes: `acks=all` from an idempotent producer,
 * and a consumer of a group that commits offsets after its handlers.
 *
 * The client sends one request for each call of `send`, so how an application gathers what it publishes decides
 * everything. 256 events in flight are two requests of 128 here (`batch`), gathered by hand; with `batch: 1` each event
 * is a call of its own. Offsets are committed while the next messages are handled, one commit at a time.
 */
import { Admin, Consumer, jsonDeserializer, type Message, Producer, stringSerializers } from '@platformatic/kafka'
import { nowUs } from '../clock.ts'
import { contend, option, serverOf } from '../contender.ts'
import { IN_FLIGHT, inFlight } from '../in-flight.ts'
import type { Run } from '../types.ts'
import { indexOf, keyOf, type Payload, payload, Tally } from '../workload.ts'

const PARTITIONS = 8
const BATCH = 128

type Received = Message<Buffer, Payload, Buffer, Buffer>

await contend(async (run) => {
  const base = { clientId: 'bench', bootstrapBrokers: [serverOf(run, 'kafka')], autocreateTopics: false }
  const admin = new Admin(base)
  await admin.createTopics({ topics: [run.app], partitions: PARTITIONS, replicas: 1 })
  const producer = new Producer({ ...base, serializers: stringSerializers, idempotent: true, acks: -1 })
  const consumer = new Consumer({
    ...base,
    groupId: run.app,
    deserializers: { value: (data?: Buffer) => jsonDeserializer<Payload>(data) as Payload },
  })
  const messages = await consumer.consume({ topics: [run.app], autocommit: false, mode: 'earliest' })
  const tally = new Tally(run.events)

  const started = nowUs()
  const handling = handle(messages, run, tally)
  const batch = option(run, 'batch', BATCH)
  const batches = Math.ceil(run.events / batch)
  const publishing = inFlight(batches, option(run, 'inFlight', IN_FLIGHT) / batch, async (number) => {
    const length = Math.min(batch, run.events - number * batch)
    await producer.send({ messages: Array.from({ length }, (_, offset) => messageOf(run, number * batch + offset)) })
  })
  await Promise.all([publishing, handling])
  const elapsedMs = (nowUs() - started) / 1_000

  await messages.close()
  await Promise.all([producer.close(), consumer.close(true)])
  await admin.deleteTopics({ topics: [run.app] })
  await admin.close()
  return { events: run.events, elapsedMs, ...tally.count() }
})

/** Handles all, and resolves once the offsets of all are committed. */
async function handle(messages: AsyncIterable<Received>, run: Run, tally: Tally): Promise<void> {
  const latest = new Map<number, Received>()
  let committing: Promise<void> | undefined
  const commit = async (): Promise<void> => {
    while (latest.size > 0) {
      const ends = [...latest.values()]
      latest.clear()
      await Promise.all(ends.map((message) => message.commit()))
    }
    committing = undefined
  }
  for await (const message of messages) {
    tally.add(indexOf(message.value.id))
    latest.set(message.partition, message)
    committing ??= commit()
    if (tally.distinct === run.events) break
  }
  await committing
}

function messageOf(run: Run, index: number) {
  return { topic: run.app, key: keyOf(index), value: JSON.stringify(payload(index)) }
}
