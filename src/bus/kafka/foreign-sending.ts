import { compatibilityPartitioner, Producer } from '@platformatic/kafka'
import { SkerryError } from '../../errors.ts'
import type { Outgoing, Sending, TopicTarget } from '../foreign.ts'
import type { Cluster } from './cluster.ts'

interface Pending {
  readonly message: Outgoing
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Sends to a topic of others. What is given while one request is under way travels together in the next one: one at a time, so
 * that keys keep their order. Partitions are chosen as Kafka's own clients choose them.
 */
export class TopicSending implements Sending {
  readonly #cluster: Cluster
  readonly #topic: string
  readonly #producer: Producer
  readonly #pending: Pending[] = []
  #running: Promise<void> | undefined
  #closed = false

  constructor(cluster: Cluster, { topic }: TopicTarget) {
    this.#cluster = cluster
    this.#topic = topic
    const partitioner = compatibilityPartitioner
    this.#producer = new Producer({ ...cluster.base(), acks: -1, repeatOnStaleMetadata: true, partitioner })
    this.#producer.on('error', () => {})
  }

  send(message: Outgoing, signal: AbortSignal): Promise<void> {
    if (this.#closed) return Promise.reject(new SkerryError('closed', `${this.#cluster.shown}: the sink is closed`))
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      this.#pending.push({ message, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#producer.close(true).catch(() => {})
    await this.#running
    await this.#cluster.close()
  }

  async #run(): Promise<void> {
    // Those that are given at the same moment go together from the first.
    await Promise.resolve()
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0)
      try {
        const messages = batch.map(({ message }) => recordOf(this.#topic, message))
        await this.#cluster.ask(() => this.#producer.send({ messages }))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#running = undefined
  }
}

function recordOf(topic: string, { body, contentType, headers, id, key, time }: Outgoing) {
  const all = { ...headers, 'content-type': contentType, 'message-id': id }
  return {
    topic,
    value: Buffer.from(body),
    ...(key !== '' && { key: Buffer.from(key) }),
    headers: new Map(Object.entries(all).map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
    timestamp: BigInt(time),
  }
}
