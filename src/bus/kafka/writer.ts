import type { Batch } from '../bus.ts'
import type { Cluster } from './cluster.ts'
import { type Drain, rounds, spread, toWire } from './message.ts'
import { Producers, type Sending } from './producers.ts'
import type { Topics } from './topics.ts'

/**
 * Writes batches. After a topic has grown, a key may be in another partition than before; what a producer wrote earlier is
 * named in its later messages, by the ends of the earlier partitions, and consumers take it in first.
 */
export class Writer {
  readonly #cluster: Cluster
  readonly #topics: Topics
  readonly #producers = new Producers((sending) => this.#send(sending))
  readonly #drains = new Map<string, { partitions: number; drain: Drain }>()

  constructor(cluster: Cluster, topics: Topics) {
    this.#cluster = cluster
    this.#topics = topics
  }

  append(batch: Batch): Promise<void> {
    return this.#producers.append(batch)
  }

  drained(): Promise<void> {
    return this.#producers.drained()
  }

  async #send({ batch, above, anew }: Sending): Promise<void> {
    const { stream, producer } = batch
    const topic = this.#topics.nameOf(stream)
    const layout = await this.#topics.layoutOf(stream, anew)
    const partitions = layout.partitions.at(-1) as number
    const drain = await this.#drainOf(`${stream}\n${producer}`, topic, layout.partitions, anew)
    for (const round of rounds(spread(batch, above, partitions))) {
      const messages = round.map((part) => ({ ...toWire(part, producer, drain), topic, partition: part.partition }))
      await this.#cluster.produce(messages)
    }
  }

  /** Asked for once by a producer, when nothing of its own is on its way to the earlier partitions any more. */
  async #drainOf(name: string, topic: string, partitions: readonly number[], anew: boolean): Promise<Drain> {
    const [now = 0, before] = partitions.toReversed()
    if (before === undefined) return []
    const known = this.#drains.get(name)
    if (known?.partitions === now && !anew) return known.drain
    const drain = (await this.#cluster.offsets(topic, 'next')).slice(0, before)
    this.#drains.set(name, { partitions: now, drain })
    return drain
  }
}
