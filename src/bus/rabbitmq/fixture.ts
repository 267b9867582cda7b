import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import type { Server } from '../../../test/servers/kinds.ts'
import { rabbitmq } from '../../../test/servers/rabbitmq.ts'
import { InboxBus, type Published } from '../../flow/inbox/bus.ts'
import { arriving } from '../../flow/inbox/fixture.ts'
import { randomIdentity } from '../../ids.ts'
import { openSqliteStore } from '../../store/sqlite/open.ts'
import { unwatched } from '../../telemetry.ts'
import { pause, systemClock } from '../../time.ts'
import type { Bus } from '../bus.ts'
import { type BusFixture, type MakeBusFixture, type Needs, usualStreams } from '../conformance/fixture.ts'
import { namesOf } from './names.ts'
import { openRabbitmqBus, type RabbitmqBusOptions } from './open.ts'

/** One private server for a test file: it takes seconds to start. */
export class TestServer {
  readonly #folder = mkdtemp(join(tmpdir(), 'skerry-rabbitmq-'))
  #server: Promise<Server> | undefined
  #port: number | undefined

  get folder(): Promise<string> {
    return this.#folder
  }

  async url(user = 'guest:guest'): Promise<string> {
    const { address } = await this.start()
    return `amqp://${user}@${address.host}:${address.port}/`
  }

  start(): Promise<Server> {
    this.#server ??= this.#start()
    return this.#server
  }

  async #start(): Promise<Server> {
    const port = this.#port === undefined ? {} : { port: this.#port }
    const server = await rabbitmq.start(await this.#folder, { durability: 'FULL', ...port })
    this.#port = server.address.port
    return server
  }

  async kill(): Promise<void> {
    const server = await this.#server
    this.#server = undefined
    await server?.kill()
  }

  /** All that the server has on disk; the result puts it back. The server is down meanwhile. */
  async copy(): Promise<() => Promise<void>> {
    const [data, kept] = [join(await this.#folder, 'mnesia'), join(await this.#folder, randomIdentity())]
    const still = async (work: () => Promise<void>): Promise<void> => {
      const server = await this.#server
      this.#server = undefined
      await server?.stop()
      await work()
      await this.start()
    }
    await still(() => cp(data, kept, { recursive: true }))
    return () =>
      still(async () => {
        await rm(data, { recursive: true })
        await cp(kept, data, { recursive: true })
      })
  }

  async end(): Promise<void> {
    await this.kill()
    await rm(await this.#folder, { recursive: true })
  }

  /** Removes all that an application has at the server. */
  async clear(app: string): Promise<void> {
    const names = namesOf(app)
    const connection = await connect(await this.url())
    const channel = await connection.createChannel()
    await channel.assertQueue(names.bus, {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 1e9 },
    })
    const message = await channel.get(names.bus)
    const readers = message ? (JSON.parse(message.content.toString()).fact.readers as Record<string, string>) : {}
    for (const [subscription, store] of Object.entries(readers)) {
      await channel.deleteQueue(names.reader(subscription))
      await channel.deleteQueue(names.inbox(subscription.split('/')[0] ?? '', store))
    }
    await channel.deleteQueue(names.bus)
    await channel.deleteExchange(names.events)
    await connection.close()
  }
}

/**
 * RabbitMQ 3.10 writes the name of a new quorum queue to disk some time after it has confirmed events in it: killed before
 * that, it loses the queue. A limit of the server's, for which the tests have to wait.
 */
const settleMs = 1500

/** What the suite asks for, for the engine with the inbox of one store. */
export function rabbitmqFixture(server: TestServer): MakeBusFixture {
  const make = async ({ streams = usualStreams }: Needs = {}): Promise<BusFixture> => {
    const app = `test-${randomIdentity().slice(0, 8)}`
    const folder = await mkdtemp(join(tmpdir(), 'skerry-inbox-'))
    const accepted: (() => readonly Published[])[] = []
    const stores = new Set<string>()
    const openEngine = async (options: Partial<RabbitmqBusOptions> = {}): Promise<Bus> =>
      openRabbitmqBus({ url: await server.url(), app, ...options })
    return {
      openEngine,
      async open() {
        const engine = await openEngine()
        const store = await openSqliteStore({
          file: join(folder, 'store.db'),
          clock: systemClock,
          durability: 'normal',
        })
        stores.add(store.identity)
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
          const ended = engine.close()
          await ended
          await inbox.close()
          await store.close()
        }
        return new Proxy(bus, {
          get: (target, name) => (name === 'close' ? () => (closing ??= close()) : Reflect.get(target, name)),
        })
      },
      async restart() {
        await pause(systemClock, settleMs)
        await server.kill()
        await server.start()
      },
      async dispose() {
        await server.clear(app)
        const connection = await connect(await server.url())
        const channel = await connection.createChannel()
        for (const store of [...stores]) await channel.deleteQueue(namesOf(app).inbox('suite', store))
        for (const store of ['one', 'two', 'late']) await channel.deleteQueue(namesOf(app).inbox('ear', store))
        await connection.close()
        await rm(folder, { recursive: true })
      },
    }
  }
  return Object.assign(make, { limits: [], restartable: true, handsOut: true })
}
