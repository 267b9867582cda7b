import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { connect } from 'amqplib'
import { missing } from '../../../test/servers/needs.ts'
import { Passage } from '../../../test/servers/passage.ts'
import { rabbitmq, rabbitmqctl } from '../../../test/servers/rabbitmq.ts'
import { codeOf } from '../../errors.ts'
import { decodeFrame } from '../../frame.ts'
import { randomIdentity } from '../../ids.ts'
import { pause, systemClock } from '../../time.ts'
import type { Bus, Parcel, Sink } from '../bus.ts'
import { Publisher, until } from '../conformance/fixture.ts'
import { TestServer } from './fixture.ts'
import { namesOf } from './names.ts'
import { openRabbitmqBus, type RabbitmqBusOptions } from './open.ts'

/** Keeps what came, duplicates and all. */
class Taker implements Sink {
  readonly ids: string[] = []
  readonly errors: string[] = []
  resumptions = 0

  async take(parcels: readonly Parcel[]): Promise<void> {
    for (const { frame } of parcels) this.ids.push(...decodeFrame(frame).map(({ id }) => id))
  }

  async places(): Promise<Record<string, number>> {
    return {}
  }

  interrupted(error: unknown): void {
    this.errors.push(`${codeOf(error)} ${String(error)}`)
  }

  resumed(): void {
    this.resumptions++
  }
}

describe('rabbitmq, when things fail', { skip: missing('rabbitmq-server') }, () => {
  const server = new TestServer()
  after(() => server.end())

  async function onBus(work: (bus: Bus, app: string) => Promise<void>, options: Partial<RabbitmqBusOptions> = {}) {
    const app = `test-${randomIdentity().slice(0, 8)}`
    const bus = await openRabbitmqBus({ url: await server.url(), app, ...options })
    try {
      await work(bus, app)
    } finally {
      await bus.close()
    }
  }

  async function throughProxy(work: (bus: Bus, proxy: Passage) => Promise<void>): Promise<void> {
    const proxy = await Passage.to((await server.start()).address.port)
    const url = `amqp://guest:guest@127.0.0.1:${proxy.port}/`
    try {
      await onBus((bus) => work(bus, proxy), { url, heartbeatSeconds: 1, connectTimeoutMs: 2000 })
    } finally {
      await proxy.close()
    }
  }

  const consume = async (bus: Bus, sink: Sink) => {
    await bus.deliver?.({ store: 'one', service: 'ear', streams: { s: 'start' } }, sink)
  }

  /** Sends until it is confirmed, as the relay does. */
  async function persist(bus: Bus, p: Publisher, number: number): Promise<void> {
    for (;;) {
      try {
        return await p.send(bus, number - 1, number, 1)
      } catch (error) {
        assert.ok(['unavailable', 'overloaded'].includes(codeOf(error)), String(error))
        await pause(systemClock, 20)
      }
    }
  }

  test('a connection that is cut in the middle of publishing loses nothing and turns nothing round', () =>
    throughProxy(async (bus, proxy) => {
      const taker = new Taker()
      await consume(bus, taker)
      const p = new Publisher('p', 's')
      for (let n = 1; n <= 300; n++) {
        const sending = persist(bus, p, n)
        if (n % 60 === 0) proxy.cut()
        await sending
      }
      await until(() => new Set(taker.ids).size === 300, 'all arrive')
      assert.deepEqual([...new Set(taker.ids)], p.ids(300))
      assert.ok(taker.resumptions > 0)
    }))

  test('a connection that falls silent is given up, and another one goes on', () =>
    throughProxy(async (bus, proxy) => {
      const taker = new Taker()
      await consume(bus, taker)
      const p = new Publisher('p', 's')
      await persist(bus, p, 1)
      proxy.swallow()
      const sending = persist(bus, p, 2)
      await until(() => taker.errors.length > 0, 'the consumer notices')
      proxy.recover()
      await sending
      await until(() => new Set(taker.ids).size === 2, 'the second arrives')
    }))

  test('while the server has an alarm publishers hear overloaded, and afterwards they go on', () =>
    onBus(
      async (bus) => {
        const taker = new Taker()
        await consume(bus, taker)
        const p = new Publisher('p', 's')
        await p.append(bus)
        const folder = await server.folder
        await rabbitmqctl(folder, 'set_vm_memory_high_watermark', '0.0001')
        try {
          // The server says that it blocks only when it is given something.
          await assert.rejects(p.send(bus, 1, 2, 1), (error) => ['unavailable', 'overloaded'].includes(codeOf(error)))
          await assert.rejects(p.send(bus, 1, 2, 1), { code: 'overloaded', message: /memory/ })
        } finally {
          await rabbitmqctl(folder, 'set_vm_memory_high_watermark', '0.6')
        }
        await persist(bus, p, 2)
        await until(() => new Set(taker.ids).size === 2, 'both arrive')
      },
      { connectTimeoutMs: 700 },
    ))

  test('a queue that is full refuses as unavailable, since other queues may have the event', () =>
    onBus(
      async (bus, app) => {
        const url = await server.url()
        const consuming = await bus.deliver?.({ store: 'one', service: 'ear', streams: { s: 'start' } }, new Taker())
        await consuming?.stop()
        const p = new Publisher('p', 's')
        const fill = async (): Promise<void> => {
          for (let n = 1; n < 100; n++) await p.send(bus, n - 1, n, 1, 10_000)
        }
        await assert.rejects(fill, { code: 'unavailable', message: /full/ })
        const taker = new Taker()
        await consume(bus, taker)
        await until(() => taker.ids.length > 0, 'what is there comes')
        const connection = await connect(url)
        await (await connection.createChannel()).checkQueue(namesOf(app).inbox('ear', 'one'))
        await connection.close()
      },
      { maxBytes: 50_000 },
    ))

  test('of the processes of a store one is fed at a time, and another one when it goes', () =>
    onBus(async (bus, app) => {
      const other = await openRabbitmqBus({ url: await server.url(), app })
      const [first, second] = [new Taker(), new Taker()]
      const consuming = await bus.deliver?.({ store: 'one', service: 'ear', streams: { s: 'start' } }, first)
      await consume(other, second)
      const p = new Publisher('p', 's')
      for (let n = 0; n < 20; n++) await p.append(bus)
      await until(() => first.ids.length === 20, 'the first is fed')
      await consuming?.stop()
      for (let n = 0; n < 20; n++) await p.append(bus)
      await until(() => second.ids.length === 20, 'the second is fed')
      assert.deepEqual([...first.ids, ...second.ids], p.ids())
      await other.close()
    }))

  test('a queue that is deleted is made anew, and what comes then arrives', () =>
    onBus(async (bus, app) => {
      const taker = new Taker()
      await consume(bus, taker)
      const p = new Publisher('p', 's')
      await p.append(bus)
      await until(() => taker.ids.length === 1, 'the first arrives')
      const connection = await connect(await server.url())
      await (await connection.createChannel()).deleteQueue(namesOf(app).inbox('ear', 'one'))
      await connection.close()
      await until(() => taker.resumptions > 0, 'it goes on')
      assert.match(taker.errors[0] ?? '', /^unavailable .*inbox\.ear\.one/)
      await p.append(bus)
      await until(() => taker.ids.length === 2, 'the second arrives')
    }))

  test('a message that no publisher of ours sent is passed over, and stops nobody', () =>
    onBus(async (bus, app) => {
      const taker = new Taker()
      await consume(bus, taker)
      const connection = await connect(await server.url())
      const channel = await connection.createConfirmChannel()
      channel.publish(namesOf(app).events, 's', Buffer.from('hello'), {})
      await channel.waitForConfirms()
      await connection.close()
      await new Publisher('p', 's').append(bus)
      await until(() => taker.ids.length === 1, 'ours arrives')
      assert.match(taker.errors.join(), /invalid_event/)
    }))

  test('wrong credentials are one error, at once, without the password', async () => {
    const url = await server.url('guest:secret')
    await assert.rejects(openRabbitmqBus({ url }), (error: Error) => {
      assert.equal(codeOf(error), 'unauthorized')
      assert.match(error.message, /^amqp:\/\/guest@127\.0\.0\.1:\d+\/ refuses the user/)
      assert.ok(!`${error.message} ${String(error.cause)}`.includes('secret'))
      return true
    })
  })

  test('a server that is too old is refused at once, with the version found and needed', async () => {
    const passage = await Passage.to((await server.start()).address.port)
    const version = rabbitmq.version() ?? ''
    // In a field of its length.
    const old = '3.9.'.padEnd(version.length, '1')
    passage.disguise((answer) => answer.replaceAll(version, old))
    try {
      const url = `amqp://guest:guest@127.0.0.1:${passage.port}/`
      await assert.rejects(openRabbitmqBus({ url, app: 'old' }), {
        code: 'capability_absent',
        message: `amqp://guest@127.0.0.1:${passage.port}/ is RabbitMQ ${old}; RabbitMQ 3.10 or later is needed`,
      })
    } finally {
      await passage.close()
    }
  })

  test('a server that is not there is one error, once the time is over', async () => {
    const url = 'amqp://guest:secret@127.0.0.1:1/'
    await assert.rejects(openRabbitmqBus({ url, connectTimeoutMs: 300 }), (error: Error) => {
      assert.equal(codeOf(error), 'unavailable')
      assert.match(error.message, /^amqp:\/\/guest@127\.0\.0\.1:1\/ cannot be reached: .*ECONNREFUSED/)
      return !error.message.includes('secret')
    })
  })

  test('what cannot be a URL of this engine is refused without being shown', async () => {
    await assert.rejects(openRabbitmqBus({ url: 'http://u:secret@h' }), (error: Error) => {
      assert.equal(codeOf(error), 'invalid_config')
      return !error.message.includes('secret')
    })
  })

  test('the last subscription of a store takes its queue with it', () =>
    onBus(async (bus, app) => {
      await consume(bus, new Taker())
      await bus.register({ subscription: 'ear/a', store: 'one', marks: {} })
      await bus.register({ subscription: 'ear/b', store: 'one', marks: {} })
      const exists = async (): Promise<boolean> => {
        const connection = await connect(await server.url())
        const channel = await connection.createChannel()
        channel.on('error', () => {})
        const found = await channel.checkQueue(namesOf(app).inbox('ear', 'one')).then(
          () => true,
          () => false,
        )
        await connection.close()
        return found
      }
      await bus.forget('ear/a')
      assert.equal(await exists(), true)
      // Nobody consumes any more: else the queue would be made anew.
      await bus.close()
      await onBusAgain(app, (again) => again.forget('ear/b'))
      assert.equal(await exists(), false)
    }))

  async function onBusAgain(app: string, work: (bus: Bus) => Promise<void>): Promise<void> {
    const again = await openRabbitmqBus({ url: await server.url(), app })
    await work(again)
    await again.close()
  }

  test('facts change one after another, however many change them at once', () =>
    onBus(async (bus, app) => {
      const others = await Promise.all(
        Array.from({ length: 4 }, async () => openRabbitmqBus({ url: await server.url(), app })),
      )
      const all = [bus, ...others]
      await Promise.all(all.map((one) => one.lineage()))
      const registered = await Promise.allSettled(
        all.map((one, n) => one.register({ subscription: 'ear/ears', store: `${n}`, marks: {} })),
      )
      assert.equal(registered.filter(({ status }) => status === 'fulfilled').length, 1, 'one store has it')
      const { incarnations } = await bus.lineage()
      assert.deepEqual(
        incarnations.map(({ token }) => Number.parseInt(token, 10)),
        [1, 2, 3, 4, 5],
      )
      for (const other of others) await other.close()
    }))
})
