import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { Admin, type BaseOptions, Consumer, Producer, type SASLOptions } from '@platformatic/kafka'
import { codeOf, SkerryError } from '../../errors.ts'
import { type Clock, pause } from '../../time.ts'
import type { Address } from './address.ts'
import { ours, surviveBrokenConnections } from './broken.ts'
import { answered, explain } from './failures.ts'
import type { Wire } from './message.ts'

export interface ClusterOptions {
  readonly address: Address
  readonly clientId: string
  readonly clock: Clock
  readonly tls: TlsOptions | undefined
  readonly sasl: SASLOptions | undefined
  readonly connectTimeoutMs: number
  readonly sessionTimeoutMs: number
}

/** An event's topic as the brokers describe it. */
export interface TopicInfo {
  readonly id: string
  readonly partitions: number
  /** The fewest copies that any of its partitions has. */
  readonly replicas: number
}

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** The brokers' own default, if undefined. */
  readonly replicas: number | undefined
  readonly configs: Readonly<Record<string, string>>
}

export interface Message extends Wire {
  readonly topic: string
  readonly partition: number
}

/** Topics have ids, by which one that was deleted and made again is told from the first, from this version of Fetch on. */
const fetchNeeded = 13

/** What a broker does not answer within this, in milliseconds, is asked again on another connection. */
const requestTimeoutMs = 10_000

/** How often a topic that was made is looked for, and the pause in between, in milliseconds. */
const appearTries = 250
const appearMs = 20

/** One process's connections to the brokers, in the few words that this adapter needs. Everything rejects with our errors. */
export class Cluster {
  readonly options: ClusterOptions
  readonly #admin: Admin
  readonly #producer: Producer
  readonly #reader: Consumer
  #closing = false

  constructor(options: ClusterOptions) {
    this.options = options
    surviveBrokenConnections()
    const base = this.base()
    this.#admin = new Admin(base)
    this.#producer = new Producer({ ...base, idempotent: true, acks: -1, repeatOnStaleMetadata: true })
    this.#reader = new Consumer({ ...base, groupId: options.clientId, autocommit: false })
    for (const client of [this.#admin, this.#producer, this.#reader]) client.on('error', () => {})
  }

  get shown(): string {
    return this.options.address.shown
  }

  /** What every client is made with. */
  base(): BaseOptions {
    const { address, clientId, tls, sasl, connectTimeoutMs } = this.options
    return {
      clientId,
      context: ours,
      bootstrapBrokers: address.brokers.map(({ host, port }) => ({ host, port })),
      connectTimeout: Math.min(5_000, connectTimeoutMs),
      requestTimeout: requestTimeoutMs,
      timeout: 5_000,
      retries: 3,
      retryDelay: 100,
      metadataMaxAge: 30_000,
      autocreateTopics: false,
      ...(tls && { tls }),
      ...(sasl && { sasl }),
    }
  }

  /** Resolves once a broker answered and is new enough; waits for one as long as `connectTimeoutMs`. */
  async connect(): Promise<void> {
    await this.insist(() => this.#greet())
  }

  async #greet(): Promise<void> {
    const apis = await this.#admin.listApis()
    const found = apis.find(({ name }) => name === 'Fetch')?.maxVersion ?? 0
    if (found >= fetchNeeded) return
    throw new SkerryError(
      'capability_absent',
      `${this.shown}: too old: it speaks version ${found} of Kafka's Fetch, and version ${fetchNeeded} is needed ` +
        '(Apache Kafka 3.1 or newer; 3.9 and 4.x are tested)',
    )
  }

  /**
   * Undefined where there is no such topic. One that is `expected` is asked for some times: brokers learn of it one after
   * another.
   */
  async topic(topic: string, expected = false): Promise<TopicInfo | undefined> {
    return this.insist(async () => {
      try {
        const patience = expected ? {} : { retries: 0 }
        const { topics } = await this.#admin.metadata({ topics: [topic], forceUpdate: true, ...patience })
        const found = topics.get(topic)
        if (!found) return undefined
        const replicas = Math.min(...found.partitions.map((one) => one.replicas.length))
        return { id: found.id, partitions: found.partitionsCount, replicas }
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('Unknown topic')) return undefined
        throw error
      }
    })
  }

  /** Makes a topic, unless it is there, and resolves with how the brokers describe it. */
  async makeTopic({ topic, partitions, replicas, configs }: NewTopic): Promise<TopicInfo> {
    await this.insist(async () => {
      try {
        await this.#admin.createTopics({
          topics: [topic],
          partitions,
          ...(replicas !== undefined && { replicas }),
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        })
      } catch (error) {
        if (!answered(error, 'TOPIC_ALREADY_EXISTS')) throw error
      }
    })
    return this.#appears(topic, partitions)
  }

  async growTopic(topic: string, partitions: number): Promise<TopicInfo> {
    await this.insist(async () => {
      try {
        await this.#admin.createPartitions({ topics: [{ name: topic, count: partitions, assignments: null }] })
      } catch (error) {
        // Another process was quicker.
        if (!answered(error, 'INVALID_PARTITIONS')) throw error
      }
    })
    return this.#appears(topic, partitions)
  }

  async #appears(topic: string, partitions: number): Promise<TopicInfo> {
    for (let tries = 0; ; tries++) {
      const found = await this.topic(topic).catch((error: unknown) => {
        if (codeOf(error) !== 'unavailable' || tries >= appearTries) throw error
        return undefined
      })
      if (found && found.partitions >= partitions) return found
      if (tries >= appearTries)
        throw new SkerryError('unavailable', `${this.shown}: topic ${topic} was made and does not appear`)
      await pause(this.options.clock, appearMs)
    }
  }

  /** Copies of a message that must be written before it is acknowledged. */
  async leastInSync(topic: string): Promise<number> {
    const name = 'min.insync.replicas'
    const resources = [{ resourceType: 2 as const, resourceName: topic, configurationKeys: [name] }]
    const [found] = await this.insist(() => this.#admin.describeConfigs({ resources }))
    return Number(found?.configs.find((one) => one.name === name)?.value ?? 1)
  }

  /** The offsets of each partition of a topic: where it begins, or what comes next. */
  async offsets(topic: string, edge: 'first' | 'next'): Promise<number[]> {
    return (await this.allOffsets([topic], edge)).get(topic) ?? []
  }

  async allOffsets(topics: readonly string[], edge: 'first' | 'next'): Promise<Map<string, number[]>> {
    if (topics.length === 0) return new Map()
    const timestamp = edge === 'first' ? -2n : -1n
    const found = await this.insist(() =>
      this.#reader.listOffsets({ topics: [...topics], timestamp, isolationLevel: 0 }),
    )
    return new Map([...found].map(([topic, offsets]) => [topic, offsets.map(Number)]))
  }

  /** Resolves once all messages are in the log, as far as Kafka promises that. */
  async produce(messages: readonly Message[], key?: string): Promise<void> {
    await this.insist(() =>
      this.#producer.send({
        messages: messages.map((one) => ({ ...one, ...(key !== undefined && { key: Buffer.from(key) }) })),
      }),
    )
  }

  /** As `ask`, but goes on asking while no broker can answer, as long as one is waited for at the opening. */
  async insist<T>(work: () => Promise<T>): Promise<T> {
    const { clock, connectTimeoutMs } = this.options
    const until = clock.monotonic() + connectTimeoutMs
    for (let waitMs = 50; ; waitMs = Math.min(500, waitMs * 2)) {
      try {
        return await this.ask(work)
      } catch (error) {
        const past = clock.monotonic() + waitMs > until || this.#closing
        if (codeOf(error) !== 'unavailable' || past) throw error
      }
      await pause(clock, waitMs)
    }
  }

  async ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw explain(error, this.shown)
    }
  }

  async close(): Promise<void> {
    this.#closing = true
    await Promise.allSettled([this.#admin.close(), this.#producer.close(true), this.#reader.close(true)])
  }
}
