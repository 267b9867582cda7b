/**
 * The classic way to RabbitMQ: a direct exchange `events`, routing key `event`, bodies of `text/plain`, with plain amqplib at the
 * other end, in both directions. The service is on the embedded engines, as at the beginning of every migration.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { connect } from 'amqplib'
import { type Fact, service, start } from 'skerry'
import { until } from '../../src/bus/conformance/fixture.ts'
import { TestServer } from '../../src/bus/rabbitmq/fixture.ts'
import { pause, systemClock } from '../../src/time.ts'
import { missing } from '../servers/needs.ts'
import { booked, Mirror, mirror, queueOf } from './mirror.ts'

/** RabbitMQ 3.10 writes the name of a new quorum queue to disk some time after it has confirmed messages in it. */
const queueSettlesMs = 1500

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('the classic exchange of RabbitMQ', { skip: missing('rabbitmq-server') }, () => {
  const server = new TestServer()
  after(() => server.end())

  async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
    const dir = await mkdtemp(join(tmpdir(), 'skerry-foreign-'))
    try {
      await work(dir)
    } finally {
      await rm(dir, { recursive: true })
      await clear()
    }
  }

  async function clear(): Promise<void> {
    await onChannel(async (channel) => {
      await channel.deleteQueue('mirror')
      await channel.deleteQueue('till')
      await channel.deleteExchange('events')
    })
  }

  type Confirming = Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createConfirmChannel']>>

  async function onChannel(work: (channel: Confirming) => Promise<void>): Promise<void> {
    const connection = await connect(await server.url())
    try {
      await work(await connection.createConfirmChannel())
    } finally {
      await connection.close()
    }
  }

  /** As a program would that never heard of Skerry. */
  async function publish(ns: readonly number[], body = (n: number) => JSON.stringify({ order: `o${n % 3}`, n })) {
    await onChannel(async (channel) => {
      await channel.assertExchange('events', 'direct', { durable: true })
      for (const n of ns)
        channel.publish('events', 'event', Buffer.from(body(n)), {
          contentType: 'text/plain',
          persistent: true,
          messageId: `m${n}`,
        })
      await channel.waitForConfirms()
    })
  }

  test('what is published there becomes an event, once, through kills of the broker and of the consumer', () =>
    inFolder(async (dir) => {
      const url = await server.url()
      const options = queueOf(url)
      const run = () =>
        spawn(process.execPath, [join(import.meta.dirname, 'child.ts'), JSON.stringify(options)], {
          cwd: dir,
          stdio: ['pipe', 'pipe', 'inherit'],
        })
      const one = mirror(options)
      const watching = await start([one], { dir: join(dir, '.skerry'), durability: 'normal' })
      await until(() => boundQueue(), 'the queue was bound')
      await watching.stop()
      await pause(systemClock, queueSettlesMs)
      let child = run()
      const ended: Promise<unknown>[] = []
      for (let round = 0; round < 3; round++) {
        await once(child.stdout, 'data')
        await publish(numbers(round * 400 + 1, round * 400 + 200))
        if (round === 1) {
          await server.kill()
          await server.start()
        }
        // Again what was published before, as a publisher does that did not hear a confirmation.
        await publish(numbers(round * 400 + 150, round * 400 + 400))
        ended.push(once(child, 'exit'))
        child.kill('SIGKILL')
        await ended.at(-1)
        child = run()
      }
      await once(child.stdout, 'data')
      await until(async () => (await depth()) === 0, 'the queue was emptied')
      child.stdin.end()
      await once(child, 'exit')
      const app = await start([one], { dir: join(dir, '.skerry'), durability: 'normal' })
      try {
        await app.settled()
        const found = await booked(app, one)
        assert.deepEqual(
          found.toSorted((a, b) => a - b),
          numbers(1, 1200),
        )
      } finally {
        await app.stop()
      }
    }))

  const depth = async (): Promise<number> => {
    let count = 0
    await onChannel(async (channel) => {
      count = (await channel.checkQueue('mirror')).messageCount
    })
    return count
  }

  async function boundQueue(): Promise<boolean> {
    const connection = await connect(await server.url())
    connection.on('error', () => {})
    try {
      const channel = await connection.createChannel()
      channel.on('error', () => {})
      const { consumerCount } = await channel.checkQueue('mirror')
      return consumerCount === 1
    } catch {
      return false
    } finally {
      await connection.close().catch(() => {})
    }
  }

  test('a message that means nothing is a dead letter, and holds nobody up; one without an id says what to do', () =>
    inFolder(async (dir) => {
      const facts: Fact[] = []
      const one = mirror(queueOf(await server.url()))
      const app = await start([one], { dir, durability: 'normal', watcher: (fact) => facts.push(fact) })
      const dead = () => facts.filter((fact) => fact.kind === 'dead')
      try {
        await until(() => boundQueue(), 'the queue was bound')
        await publish([1, 2, 3], (n) => (n === 2 ? 'not JSON' : JSON.stringify({ order: 'a', n })))
        await onChannel(async (channel) => {
          channel.publish('events', 'event', Buffer.from('{"order":"a","n":4}'))
          await channel.waitForConfirms()
        })
        await publish([5])
        await until(() => dead().length === 2, 'two dead letters')
        await until(async () => (await booked(app, one)).length === 3, 'the others are there')
        assert.deepEqual(await booked(app, one), [1, 3, 5])
        assert.deepEqual(
          dead().map((fact) => fact.kind === 'dead' && [fact.subscription, /message-id|JSON/.exec(fact.message)?.[0]]),
          [
            ['mirror/old-shop', 'JSON'],
            ['mirror/old-shop', 'message-id'],
          ],
        )
      } finally {
        await app.stop()
      }
    }))

  test('events go out as text, confirmed, in the order of their keys, through a kill of the broker', () =>
    inFolder(async (dir) => {
      const url = await server.url()
      const seen: { n: number; id: unknown; type: unknown; header: unknown }[] = []
      const queue = { durable: true, arguments: { 'x-queue-type': 'quorum' } }
      await onChannel(async (channel) => {
        await channel.assertExchange('events', 'direct', { durable: true })
        await channel.assertQueue('till', queue)
        await channel.bindQueue('till', 'events', 'event')
      })
      await pause(systemClock, queueSettlesMs)
      const teller = service(Mirror)
      teller
        .sink('old-till', { url, exchange: 'events', routingKey: 'event', from: 'start', order: 'key' })
        .on(Mirror.ordered, ({ data }) => ({ body: JSON.stringify(data), contentType: 'text/plain' }))
        .on(Mirror.noted, () => undefined)
      const app = await start([teller], { dir, durability: 'normal' })
      const ids: string[] = []
      try {
        await app.publish(Mirror.noted, { text: 'is not sent' })
        for (const n of numbers(1, 300)) ids.push(await app.publish(Mirror.ordered, { order: `o${n % 3}`, n }))
        await server.kill()
        for (const n of numbers(301, 350)) ids.push(await app.publish(Mirror.ordered, { order: `o${n % 3}`, n }))
        await server.start()
        await app.settled()
      } finally {
        await app.stop()
      }
      // As a program would that never heard of Skerry.
      await onChannel(async (channel) => {
        const { messageCount } = await channel.checkQueue('till')
        const all = Promise.withResolvers<void>()
        await channel.consume('till', (message) => {
          if (!message) return
          const { messageId, contentType, headers } = message.properties
          const { n } = JSON.parse(message.content.toString()) as { n: number }
          seen.push({ n, id: messageId, type: contentType, header: headers?.['skerry-event-id'] })
          channel.ack(message)
          if (seen.length === messageCount) all.resolve()
        })
        await all.promise
        assert.ok(messageCount >= 350, `${messageCount} messages`)
      })
      // At least once: by their ids they are what was published, in order.
      const firsts = new Map(seen.toReversed().map((one) => [one.id, one]))
      assert.deepEqual([...firsts.keys()].toSorted(), ids.toSorted())
      for (const rest of [0, 1, 2]) {
        const ofKey = [...new Set(seen.filter(({ n }) => n % 3 === rest).map(({ n }) => n))]
        assert.deepEqual(
          ofKey,
          numbers(1, 350).filter((n) => n % 3 === rest),
        )
      }
      assert.ok(seen.every(({ id, type, header }) => type === 'text/plain' && header === id))
    }))

  test('an event that no queue wants waits for one, unless it may be dropped', () =>
    inFolder(async (dir) => {
      const url = await server.url()
      const facts: Fact[] = []
      const teller = service(Mirror)
      const target = { url, exchange: 'events', routingKey: 'event', from: 'start' } as const
      teller.sink('waits', target).on(Mirror.noted, ({ data }) => data.text)
      teller.sink('drops', { ...target, unroutable: 'drop' }).on(Mirror.noted, ({ data }) => data.text)
      const handled = (subscription: string) => () =>
        facts.some((fact) => fact.kind === 'handled' && fact.subscription === subscription)
      await onChannel(async (channel) => void (await channel.assertExchange('events', 'direct', { durable: true })))
      const app = await start([teller], { dir, durability: 'normal', watcher: (fact) => facts.push(fact) })
      try {
        await app.publish(Mirror.noted, { text: 'hello' })
        await until(handled('mirror/drops'), 'one was dropped')
        await until(
          () => facts.some((fact) => fact.kind === 'retried' && /no queue is bound/.test(fact.message)),
          'tried',
        )
        assert.equal(handled('mirror/waits')(), false)
        await onChannel(async (channel) => {
          await channel.assertQueue('till', { durable: true })
          await channel.bindQueue('till', 'events', 'event')
        })
        await until(handled('mirror/waits'), 'the other one was sent')
        await onChannel(async (channel) => {
          const message = await channel.get('till', { noAck: true })
          assert.ok(message)
          assert.equal(message.content.toString(), 'hello')
        })
      } finally {
        await app.stop()
      }
    }))

  test('a source and a sink of one service on one exchange do not go round in circles', () =>
    inFolder(async (dir) => {
      const url = await server.url()
      const one = mirror(queueOf(url))
      one
        .sink('old-till', { url, exchange: 'events', routingKey: 'event', from: 'start' })
        .on(Mirror.ordered, ({ data }) => ({ body: JSON.stringify(data), contentType: 'text/plain' }))
      const app = await start([one], { dir, durability: 'normal' })
      try {
        await until(() => boundQueue(), 'the queue was bound')
        await publish([1])
        await until(async () => (await booked(app, one)).length === 1, 'it came')
        await app.publish(Mirror.ordered, { order: 'a', n: 2 })
        await app.settled()
        await publish([3])
        await until(async () => (await booked(app, one)).includes(3), 'what was published later came')
        assert.deepEqual(await booked(app, one), [1, 2, 3])
      } finally {
        await app.stop()
      }
    }))
})
