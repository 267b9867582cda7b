/**
 * NATS JetStream through its JavaScript client, configured as its README shows: one stream in file storage, a durable
 * pull consumer with explicit acknowledgement, `consume()` with its default prefetch.
 */
import {
  AckPolicy,
  type Consumer,
  type JetStreamClient,
  jetstream,
  jetstreamManager,
  StorageType,
} from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { serverOf } from '../contender.ts'
import type { Run } from '../types.ts'
import { payload } from '../workload.ts'

export const STREAM = 'events'
const SUBJECT = 'events.placed'
const DURABLE = 'bench'

export interface Peer {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
}

export async function openStream(run: Run): Promise<Peer> {
  const { host, port } = serverOf(run, 'nats-server')
  const connection = await connect({ servers: `${host}:${port}` })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: STREAM, subjects: ['events.>'], storage: StorageType.File })
  return { connection, client: jetstream(connection) }
}

export async function openConsumer({ connection, client }: Peer): Promise<Consumer> {
  const manager = await jetstreamManager(connection)
  await manager.consumers.add(STREAM, { durable_name: DURABLE, ack_policy: AckPolicy.Explicit })
  return client.consumers.get(STREAM, DURABLE)
}

/** A confirmed publish: resolves once the server says that the event is stored. */
export async function publish({ client }: Peer, index: number): Promise<void> {
  await client.publish(SUBJECT, JSON.stringify(payload(index)))
}

/** How many events are not acknowledged yet, as the server sees it. */
export async function unsettled(consumer: Consumer): Promise<number> {
  const { num_pending, num_ack_pending } = await consumer.info()
  return num_pending + num_ack_pending
}
