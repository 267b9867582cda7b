/**
 * JetStream's own client, publish and handle: confirmed publishes, 256 of them in flight, beside a pull consumer that
 * acknowledges each message after its handler, as the client's README shows both. The server's defaults.
 */
import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { nowUs } from '../clock.ts'
import { contend, option, serverOf } from '../contender.ts'
import { IN_FLIGHT, inFlight } from '../in-flight.ts'
import { indexOf, type Payload, payload, Tally } from '../workload.ts'

await contend(async (run) => {
  const { host, port } = serverOf(run, 'nats-server')
  const connection = await connect({ servers: `${host}:${port}` })
  const manager = await jetstreamManager(connection)
  const subject = `${run.app}.given`
  await manager.streams.add({ name: run.app, subjects: [`${run.app}.>`], storage: StorageType.File })
  await manager.consumers.add(run.app, { durable_name: 'work', ack_policy: AckPolicy.Explicit })
  const client = jetstream(connection)
  const consumer = await client.consumers.get(run.app, 'work')
  const messages = await consumer.consume()
  const tally = new Tally(run.events)

  const started = nowUs()
  const handling = (async () => {
    for await (const message of messages) {
      tally.add(indexOf(message.json<Payload>().id))
      message.ack()
      if (tally.distinct === run.events) return
    }
  })()
  const publishing = inFlight(run.events, option(run, 'inFlight', IN_FLIGHT), async (index) => {
    await client.publish(subject, JSON.stringify(payload(index)))
  })
  await Promise.all([publishing, handling])
  // The acknowledgements are on their way: done once the server has all of them.
  await connection.flush()
  const elapsedMs = (nowUs() - started) / 1_000

  const { num_pending, num_ack_pending } = await consumer.info()
  await manager.streams.delete(run.app)
  const { lost, duplicates } = tally.count()
  return { events: run.events, elapsedMs, lost: Math.max(lost, num_pending + num_ack_pending), duplicates }
})
