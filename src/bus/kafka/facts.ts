import { Consumer } from '@platformatic/kafka'
import { SkerryError } from '../../errors.ts'
import { randomIdentity } from '../../ids.ts'
import { pause } from '../../time.ts'
import type { Cluster } from './cluster.ts'

/** One line of the log: valid when the fact had changed `after` times before it. */
export interface Line {
  readonly after: number
  readonly token: string
  /** Absent for a fact that is taken back. */
  readonly value?: unknown
}

interface Fact {
  readonly changes: number
  readonly token: string
  readonly value: unknown
}

/** Folds lines in the order of the log: of several that follow on the same state the first counts, everywhere alike. */
export function fold(facts: Map<string, Fact>, key: string, line: Line): void {
  const known = facts.get(key)
  if (line.after !== (known?.changes ?? 0)) return
  facts.set(key, { changes: line.after + 1, token: line.token, value: line.value })
}

const triesAtMost = 50

/**
 * What all processes of an application must agree on, in a topic of one partition that is never cleaned up: a fact is
 * changed by writing what should come after the state that was seen, and reading on until that line. Whoever finds
 * another line before it looks again. Few facts change ever, so the log stays small.
 */
export class Facts {
  readonly #cluster: Cluster
  readonly #topic: string
  readonly #reader: Consumer
  readonly #facts = new Map<string, Fact>()
  #next = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(cluster: Cluster, topic: string) {
    this.#cluster = cluster
    this.#topic = topic
    this.#reader = new Consumer({ ...cluster.base(), groupId: topic, autocommit: false })
    this.#reader.on('error', () => {})
    this.#reader.topics.track(topic)
  }

  /** The value as it was last read; undefined for none. */
  known<T>(key: string): T | undefined {
    return this.#facts.get(key)?.value as T | undefined
  }

  /** All facts whose key begins so, as last read. */
  under<T>(prefix: string): [key: string, value: T][] {
    return [...this.#facts]
      .filter(([key, fact]) => key.startsWith(prefix) && fact.value !== undefined)
      .map(([key, fact]) => [key.slice(prefix.length), fact.value as T])
  }

  /** Reads on to the end. */
  refresh(): Promise<void> {
    return this.#inTurn(() => this.#readOn())
  }

  /** The newest value. */
  async get<T>(key: string): Promise<T | undefined> {
    await this.refresh()
    return this.known<T>(key)
  }

  /**
   * Changes a fact to what `next` makes of the newest value; undefined takes it back, the same value leaves it alone.
   * `next` may throw, and may be called more than once. Resolves with what holds afterwards.
   */
  change<T>(key: string, next: (value: T | undefined) => T | undefined): Promise<T | undefined> {
    return this.#inTurn(async () => {
      for (let tries = 0; tries < triesAtMost; tries++) {
        await this.#readOn()
        const before = this.#facts.get(key)
        const value = next(before?.value as T | undefined)
        if (value === before?.value) return value
        const line: Line = { after: before?.changes ?? 0, token: randomIdentity(), value }
        await this.#write(key, line)
        await this.#readOn()
        if (this.#facts.get(key)?.token === line.token) return value
      }
      throw new SkerryError(
        'unavailable',
        `${this.#topic}: ${key} changed ${triesAtMost} times while it was to be changed`,
      )
    })
  }

  close(): Promise<void> {
    return this.#reader.close(true).catch(() => {})
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  async #write(key: string, line: Line): Promise<void> {
    const value = Buffer.from(JSON.stringify(line))
    await this.#cluster.produce([{ topic: this.#topic, partition: 0, value, headers: new Map() }], key)
  }

  async #readOn(): Promise<void> {
    const [end = 0] = await this.#cluster.offsets(this.#topic, 'next')
    if (end < this.#next)
      throw new SkerryError(
        'log_changed',
        `${this.#topic} is shorter than it was: it was deleted or restored; see the guide on Kafka`,
      )
    while (this.#next < end) {
      const before = this.#next
      for (const { offset, key, value } of await this.#fetch()) {
        if (offset < this.#next) continue
        this.#next = offset + 1
        fold(this.#facts, key, JSON.parse(value) as Line)
      }
      if (this.#next === before) await pause(this.#cluster.options.clock, 20)
    }
  }

  async #fetch(): Promise<{ offset: number; key: string; value: string }[]> {
    return this.#cluster.ask(async () => {
      const metadata = await this.#reader.metadata({ topics: [this.#topic] })
      const topic = metadata.topics.get(this.#topic)
      const node = topic?.partitions[0]?.leader
      if (!topic || node === undefined) throw new Error(`${this.#topic} has no leader`)
      const partition = {
        partition: 0,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(this.#next),
        lastFetchedEpoch: -1,
        partitionMaxBytes: 4 * 1024 * 1024,
      }
      const topics = [{ topicId: topic.id, partitions: [partition] }]
      const response = await this.#reader.fetch({ node, topics, maxWaitTime: 500, minBytes: 1, isolationLevel: 0 })
      const batches = response.responses.flatMap((one) => one.partitions.flatMap((part) => part.records ?? []))
      return batches.flatMap((batch) =>
        batch.records.map((record) => ({
          offset: Number(batch.firstOffset) + record.offsetDelta,
          key: String(record.key),
          value: String(record.value),
        })),
      )
    })
  }
}
