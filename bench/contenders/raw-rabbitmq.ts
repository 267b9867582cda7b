/**
 * RabbitMQ's own client, publish and handle, on a quorum queue: publisher confirms that are awaited as they come, 256
 * publishes in flight ("Publisher Confirms"), beside a consumer that acknowledges each message after its handler, with a
 * prefetch in the range that its documentation calls optimal (100 to 300). A channel for each, on one connection for
 * each: the documentation advises to keep publishers and consumers apart.
 */
import { type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib'
import { nowUs } from '../clock.ts'
import { contend, option, serverOf } from '../contender.ts'
import { IN_FLIGHT, inFlight } from '../in-flight.ts'
import type { Run } from '../types.ts'
import { indexOf, type Payload, payload, Tally } from '../workload.ts'

const PREFETCH = 250

await contend(async (run) => {
  const publisher = await (await open(run)).createConfirmChannel()
  const consumer = await (await open(run)).createChannel()
  await consumer.assertQueue(run.app, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await consumer.prefetch(option(run, 'prefetch', PREFETCH))
  const tally = new Tally(run.events)
  const done = Promise.withResolvers<void>()
  await consumer.consume(run.app, (message) => {
    if (message === null) return done.reject(new Error('the server took the consumer away'))
    tally.add(indexOf(dataOf(message).id))
    consumer.ack(message)
    if (tally.distinct === run.events) done.resolve()
  })

  const started = nowUs()
  const publishing = inFlight(run.events, option(run, 'inFlight', IN_FLIGHT), (index) => {
    return publish(publisher, run.app, Buffer.from(JSON.stringify(payload(index))))
  })
  await Promise.all([publishing, done.promise])
  // Answered after the acknowledgements that were sent before it.
  const { messageCount } = await consumer.checkQueue(run.app)
  const elapsedMs = (nowUs() - started) / 1_000

  await consumer.deleteQueue(run.app)
  const { lost, duplicates } = tally.count()
  return { events: run.events, elapsedMs, lost: Math.max(lost, messageCount), duplicates }
})

function open(run: Run) {
  const { host, port } = serverOf(run, 'rabbitmq-server')
  return connect({ hostname: host, port })
}

/** Resolves once the queue has it on disk. */
function publish(channel: ConfirmChannel, queue: string, content: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    channel.publish('', queue, content, { persistent: true }, (error) => (error ? reject(error) : resolve()))
  })
}

function dataOf(message: ConsumeMessage): Payload {
  return JSON.parse(message.content.toString())
}
