import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { kafkaOf } from '../../../test/servers/kafka.ts'
import type { Server } from '../../../test/servers/kinds.ts'
import { SkerryError } from '../../errors.ts'
import type { EventRecord } from '../../event.ts'
import { InboxBus, type Published } from '../../flow/inbox/bus.ts'
import { arriving } from '../../flow/inbox/fixture.ts'
import { decodeFrame, encodeFrame } from '../../frame.ts'
import { randomIdentity } from '../../ids.ts'
import { laneOfKey } from '../../keys.ts'
import { openSqliteStore } from '../../store/sqlite/open.ts'
import { unwatched } from '../../telemetry.ts'
import { systemClock } from '../../time.ts'
import type { Batch, Bus, Parcel, Sink } from '../bus.ts'
import { type BusFixture, type MakeBusFixture, type Needs, usualStreams } from '../conformance/fixture.ts'
import { openKafkaBus } from './open.ts'

/** One broker for a test file. */
export interface Broker {
  readonly url: string
  readonly port: number
  kill(): Promise<void>
  /** Under the address that it had. */
  startAgain(): Promise<void>
  /** All that it has on disk; the result puts it back. It is down meanwhile. */
  copy(): Promise<() => Promise<void>>
  dispose(): Promise<void>
}

export async function startBroker(version: string): Promise<Broker> {
  const kind = kafkaOf(version)
  const folder = await mkdtemp(join(tmpdir(), 'skerry-kafka-'))
  let server: Server = await kind.start(folder, { durability: 'NORMAL' })
  const { host, port } = server.address
  const still = async (work: () => Promise<void>): Promise<void> => {
    await server.stop()
    await work()
    server = await kind.start(folder, { durability: 'NORMAL', port })
  }
  return {
    url: `kafka://${host}:${port}`,
    port,
    kill: () => server.kill(),
    async startAgain() {
      server = await kind.start(folder, { durability: 'NORMAL', port })
    },
    async copy() {
      const [data, kept] = [join(folder, 'data'), join(folder, randomIdentity())]
      await still(() => cp(data, kept, { recursive: true }))
      return () =>
        still(async () => {
          await rm(data, { recursive: true })
          await cp(kept, data, { recursive: true })
        })
    },
    async dispose() {
      await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The topics of an application, gone: a broker serves a whole file of tests. */
export async function removeTopics(url: string, app: string): Promise<void> {
  const admin = new Admin({ clientId: 'tidy', bootstrapBrokers: [url.slice('kafka://'.length)] })
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${app}.`))
  if (topics.length > 0) await admin.deleteTopics({ topics })
  await admin.close()
}

/** What is common to all processes of a store: a stand-in for the inbox, with places, marks and the log in memory. */
export class StoreOnTrial {
  readonly places = new Map<string, number>()
  readonly arrived: { id: string; key: string; source: string; producer: string; number: number }[] = []
  readonly troubles: unknown[] = []
  fenced = 0
  duplicates = 0
  resumed = 0
  /** Set to make `take` wait, or fail. */
  gate: () => Promise<void> = () => Promise.resolve()
  readonly #marks = new Map<string, number>()
  readonly #waiting: { done: () => boolean; resolve: () => void }[] = []

  readonly sink: Sink = {
    take: async (parcels) => {
      await this.gate()
      try {
        this.#take(parcels)
      } finally {
        this.#look()
      }
    },
    places: async (sources) => Object.fromEntries(sources.map((source) => [source, this.places.get(source) ?? 0])),
    interrupted: (error) => {
      this.troubles.push(error)
      this.#look()
    },
    resumed: () => {
      this.resumed++
      this.#look()
    },
  }

  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ done, resolve }))
  }

  ids(key?: string): string[] {
    return this.arrived.filter((one) => key === undefined || one.key === key).map(({ id }) => id)
  }

  #look(): void {
    for (const one of this.#waiting.splice(0))
      if (one.done()) one.resolve()
      else this.#waiting.push(one)
  }

  #take(parcels: readonly Parcel[]): void {
    const places = new Map<string, number>()
    for (const { source, offsets } of parcels) {
      const at = places.get(source) ?? this.places.get(source)
      if (!offsets || (at !== undefined && at !== offsets.from)) {
        this.fenced++
        throw new SkerryError('fenced', `${source} is at ${at}, not at ${offsets?.from}`)
      }
      places.set(source, offsets.to)
    }
    for (const [source, place] of places) this.places.set(source, place)
    for (const parcel of parcels) this.#keep(parcel)
  }

  #keep({ source, producer, numbers, lanes, frame }: Parcel): void {
    for (const [i, { id, key }] of decodeFrame(frame).entries()) {
      const number = numbers[i] as number
      const mark = `${producer} ${lanes?.[i]}`
      if (lanes?.[i] !== laneOfKey(key)) throw new Error(`${id} says lane ${lanes?.[i]}`)
      if (number <= (this.#marks.get(mark) ?? 0)) this.duplicates++
      else {
        this.#marks.set(mark, number)
        this.arrived.push({ id, key, source, producer, number })
      }
    }
  }
}

/** Numbered events `<producer>-1`, `<producer>-2`, … over some keys. */
export class Sender {
  readonly name: string
  readonly stream: string
  readonly keys: number
  sent = 0

  constructor(name: string, stream: string, keys = 40) {
    this.name = name
    this.stream = stream
    this.keys = keys
  }

  batch(after: number, count: number): Batch {
    const records = Array.from({ length: count }, (_, n) => this.#record(after + 1 + n))
    return { stream: this.stream, producer: this.name, after, first: after + 1, count, frame: encodeFrame(records) }
  }

  async send(bus: Bus, count: number): Promise<void> {
    const after = this.sent
    this.sent += count
    await bus.append(this.batch(after, count))
  }

  ids(key?: string): string[] {
    const all = Array.from({ length: this.sent }, (_, n) => n + 1)
    return all.filter((n) => key === undefined || this.keyOf(n) === key).map((n) => `${this.name}-${n}`)
  }

  keyOf(number: number): string {
    return `key ${number % this.keys}`
  }

  #record(number: number): EventRecord {
    const id = `${this.name}-${number}`
    return {
      id,
      type: 't',
      version: 1,
      key: this.keyOf(number),
      time: 1,
      due: 0,
      expires: 0,
      attributes: undefined,
      data: `{"n":${number}}`,
    }
  }
}

/** What the suite asks for: the engine with the inbox of one store. One partition, since the suite knows of one order. */
export function kafkaFixture(broker: () => Broker): MakeBusFixture {
  const make = async ({ streams = usualStreams }: Needs = {}): Promise<BusFixture> => {
    const app = `test-${randomIdentity().slice(0, 8)}`
    const folder = await mkdtemp(join(tmpdir(), 'skerry-inbox-'))
    const accepted: (() => readonly Published[])[] = []
    const openEngine = (): Promise<Bus> =>
      openKafkaBus({ url: broker().url, app, durability: 'engine', partitions: 1, connectTimeoutMs: 30_000 })
    return {
      openEngine,
      async open() {
        const engine = await openEngine()
        const file = join(folder, 'store.db')
        const store = await openSqliteStore({ file, clock: systemClock, durability: 'normal' })
        await store.write(async (tx) => {
          const put =
            "insert into skerry_inbox_stream (stream, start) values (?, 'start') on conflict (stream) do nothing"
          for (const stream of streams) await tx.run(put, stream)
        })
        const inbox = new InboxBus({ engine, store, service: 'suite', clock: systemClock, watcher: unwatched })
        await inbox.begin(Object.fromEntries(streams.map((stream) => [stream, 'start'])))
        accepted.push(() => inbox.published)
        const bus = arriving(inbox, () => accepted.flatMap((published) => published()))
        let closing: Promise<void> | undefined
        const close = async (): Promise<void> => {
          await engine.close()
          await inbox.close()
          await store.close()
        }
        return new Proxy(bus, {
          get: (target, name) => (name === 'close' ? () => (closing ??= close()) : Reflect.get(target, name)),
        })
      },
      async restart() {
        await broker().kill()
        await broker().startAgain()
      },
      async dispose() {
        await removeTopics(broker().url, app)
        await rm(folder, { recursive: true })
      },
    }
  }
  return Object.assign(make, { limits: [], restartable: true, handsOut: true })
}
