import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import type { Timer } from '../../time.ts'
import type {
  Batch,
  Bus,
  BusStatus,
  Capabilities,
  Chunk,
  Consumer,
  Consuming,
  Lineage,
  Registered,
  Registration,
  Sink,
  Stop,
} from '../bus.ts'
import type { Cluster } from './cluster.ts'
import { KafkaConsuming } from './consuming.ts'
import { Facts } from './facts.ts'
import { Readers } from './readers.ts'
import { makeFactsTopic, Topics, type TopicsOptions } from './topics.ts'
import { Writer } from './writer.ts'

/** Acknowledged marks are written this often, in milliseconds, and at the closing: the topic of facts is never cleaned up. */
const flushMs = 3600 * 1000

/** By the newest terms a store tells this log from an older copy of it. */
const rememberedTerms = 32

export class KafkaBus implements Bus {
  readonly engine = 'kafka'
  readonly capabilities: Capabilities = {
    keyOrder: 'emulated',
    delay: 'emulated',
    fromStart: 'native',
    replay: 'absent',
    fencing: 'emulated',
    deduplication: 'emulated',
    deduplicationHorizonMs: Number.POSITIVE_INFINITY,
    durability: 'engine',
  }
  readonly #app: string
  readonly #cluster: Cluster
  readonly #facts: Facts
  readonly #topics: Topics
  readonly #writer: Writer
  readonly #readers: Readers
  readonly #consuming = new Set<KafkaConsuming>()
  readonly #identity: string
  /** The term that this process added. */
  #term: string | undefined
  #timer: Timer | undefined
  #closing: Promise<void> | undefined

  private constructor(cluster: Cluster, facts: Facts, topics: TopicsOptions, identity: string) {
    this.#app = topics.app
    this.#cluster = cluster
    this.#facts = facts
    this.#topics = new Topics(cluster, facts, topics)
    this.#writer = new Writer(cluster, this.#topics)
    this.#readers = new Readers(facts)
    this.#identity = identity
    this.#arm()
  }

  static async open(cluster: Cluster, options: TopicsOptions): Promise<KafkaBus> {
    const topic = `${options.app}.skerry`
    let facts: Facts | undefined
    try {
      await cluster.connect()
      await makeFactsTopic(cluster, topic, options.replication)
      facts = new Facts(cluster, topic)
      const bus = await facts.change<string>('bus', (known) => known ?? randomIdentity())
      return new KafkaBus(cluster, facts, options, bus as string)
    } catch (error) {
      await facts?.close()
      await cluster.close()
      throw error
    }
  }

  /** The first question of a process counts as its start. */
  async lineage(): Promise<Lineage> {
    this.#mustBeOpen()
    const fresh = this.#term === undefined ? randomIdentity().slice(0, 12) : undefined
    const terms = await this.#facts.change<readonly string[]>('terms', (known = []) => {
      if (fresh === undefined) return known
      const number = Number.parseInt(known.at(-1) ?? '0', 10) + 1
      return [...known, `${number}.${fresh}`].slice(-rememberedTerms)
    })
    this.#term ??= fresh
    return { bus: this.#identity, incarnations: (terms ?? []).map((token) => ({ token, start: 0 })), head: 0 }
  }

  async append(batch: Batch): Promise<void> {
    this.#mustBeOpen()
    return this.#writer.append(batch)
  }

  async producerMark(): Promise<number> {
    this.#mustBeOpen()
    return 0
  }

  head(): Promise<number> {
    return this.#noLog()
  }

  read(): Promise<Chunk> {
    return this.#noLog()
  }

  readOne(): Promise<undefined> {
    return this.#noLog()
  }

  watch(): Stop {
    throw noLog()
  }

  async register(reader: Registration): Promise<Registered> {
    this.#mustBeOpen()
    return this.#readers.register(reader)
  }

  acknowledge(subscription: string, marks: Readonly<Record<string, number>>): void {
    if (!this.#closing) this.#readers.acknowledge(subscription, marks)
  }

  async forget(subscription: string): Promise<void> {
    this.#mustBeOpen()
    return this.#readers.forget(subscription)
  }

  async status(): Promise<BusStatus> {
    this.#mustBeOpen()
    return {
      bus: this.#identity,
      engine: this.engine,
      head: 0,
      streams: [],
      readers: await this.#readers.list(),
      writer: undefined,
      diskBytes: 0,
      diskLimitBytes: Number.POSITIVE_INFINITY,
      clockJumps: 0,
    }
  }

  readonly deliver = async (consumer: Consumer, sink: Sink): Promise<Consuming> => {
    this.#mustBeOpen()
    const parts = { app: this.#app, cluster: this.#cluster, facts: this.#facts, topics: this.#topics }
    const consuming = await KafkaConsuming.begin({ ...parts, consumer, sink })
    this.#consuming.add(consuming)
    const stop = async (): Promise<void> => {
      this.#consuming.delete(consuming)
      await consuming.stop()
    }
    return { behind: () => consuming.behind(), stop }
  }

  /** Waits for appends that were begun. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#timer?.cancel()
    await this.#writer.drained()
    for (const consuming of this.#consuming) await consuming.stop()
    // Lost marks cost nothing but a figure that is shown to people.
    await this.#readers.flush().catch(() => {})
    await this.#facts.close()
    await this.#cluster.close()
  }

  #arm(): void {
    const flush = (): void => {
      this.#arm()
      this.#readers.flush().catch(() => {})
    }
    this.#timer = this.#cluster.options.clock.after(flushMs, flush, { background: true })
  }

  async #noLog(): Promise<never> {
    this.#mustBeOpen()
    throw noLog()
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new SkerryError('closed', `the bus on ${this.#cluster.shown} is closed`)
  }
}

const noLog = (): SkerryError =>
  new SkerryError('capability_absent', 'Kafka hands events out partition by partition: ask the inbox of a store')
