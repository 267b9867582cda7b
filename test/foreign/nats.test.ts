/** Streams and subjects of NATS that speak no CloudEvents. The service is on the embedded engines. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type Fact, service, start } from 'skerry'
import { until } from '../../src/bus/conformance/fixture.ts'
import { PrivateServer } from '../../src/bus/nats/fixture.ts'
import { missing } from '../servers/needs.ts'
import { booked, Mirror, mirror, running } from './mirror.ts'

describe('foreign topics on NATS', { skip: missing('nats-server') }, () => {
  let server: PrivateServer
  let other: NatsConnection
  let dir: string
  before(async () => {
    server = await PrivateServer.start()
    other = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
    dir = await mkdtemp(join(tmpdir(), 'skerry-foreign-'))
  })
  after(async () => {
    await other.close()
    await server.dispose()
    await rm(dir, { recursive: true })
  })

  const body = (n: number): string => JSON.stringify({ order: `o${n % 2}`, n })

  async function stream(name: string): Promise<void> {
    const jsm = await jetstreamManager(other)
    await jsm.streams.add({ name, subjects: [`${name}.>`] })
  }

  test('a stream is taken in once, from its start, on through a kill of the server and a restart', async () => {
    await stream('orders')
    const js = jetstream(other)
    for (const n of [1, 2, 3]) await js.publish('orders.new', body(n))
    const one = mirror({ url: server.url, stream: 'orders', filter: 'orders.new', from: 'start' })
    await js.publish('orders.old', body(99))
    await running(dir, 'stream', one, async (app) => {
      await until(async () => (await booked(app, one)).length === 3, 'three came')
      await server.kill()
      await server.startAgain()
      await until(
        () =>
          js.publish('orders.new', body(4)).then(
            () => true,
            () => false,
          ),
        'it takes another',
      )
      await until(async () => (await booked(app, one)).includes(4), 'and that one came')
    })
    await js.publish('orders.new', body(5))
    await running(dir, 'stream', one, async (app) => {
      await until(async () => (await booked(app, one)).includes(5), 'what was published meanwhile came')
      assert.deepEqual(await booked(app, one), [1, 2, 3, 4, 5])
    })
  })

  test('what was in the store and not acknowledged comes again, and is known', async () => {
    await stream('again')
    const js = jetstream(other)
    for (const n of [1, 2, 3]) await js.publish('again.new', body(n))
    const first = mirror({ url: server.url, stream: 'again', from: 'start' })
    await running(dir, 'again', first, (app) =>
      until(async () => (await booked(app, first)).length === 3, 'three came'),
    )
    // As if none had been acknowledged: another consumer gets all of them.
    const anew = mirror({ url: server.url, stream: 'again', from: 'start', consumer: 'anew' })
    await running(dir, 'again', anew, async (app) => {
      await js.publish('again.new', body(4))
      await until(async () => (await booked(app, anew)).includes(4), 'the last one came')
      assert.deepEqual(await booked(app, anew), [1, 2, 3, 4])
    })
  })

  test('from now on means from the first start on', async () => {
    await stream('later')
    const js = jetstream(other)
    await js.publish('later.new', body(1))
    const one = mirror({ url: server.url, stream: 'later', from: 'now' })
    const jsm = await jetstreamManager(other)
    await running(dir, 'later', one, async (app) => {
      const there = () =>
        jsm.consumers.info('later', 'skerry-mirror-old-shop').then(
          () => true,
          () => false,
        )
      await until(there, 'it listens')
      await js.publish('later.new', body(2))
      await until(async () => (await booked(app, one)).length === 1, 'one came')
    })
    await js.publish('later.new', body(3))
    await running(dir, 'later', one, async (app) => {
      await until(async () => (await booked(app, one)).length === 2, 'the other came')
      assert.deepEqual(await booked(app, one), [2, 3])
    })
    const { num_pending, num_ack_pending } = await jsm.consumers.info('later', 'skerry-mirror-old-shop')
    assert.deepEqual([num_pending, num_ack_pending], [0, 0], 'all is acknowledged')
  })

  test('a stream that is missing is said so, and found when it is made', async () => {
    const one = mirror({ url: server.url, stream: 'missing', from: 'start' })
    await running(dir, 'missing', one, async (app, facts) => {
      await until(
        () => facts.some((fact) => fact.kind === 'paused' && /no stream missing/.test(fact.message)),
        'it was said',
      )
      await stream('missing')
      await jetstream(other).publish('missing.new', body(1))
      await until(async () => (await booked(app, one)).length === 1, 'it came')
    })
  })

  test('a subject is listened to, and one message given twice is known by what it says', async () => {
    const one = mirror({ url: server.url, subject: 'plain.*', id: 'content' })
    await running(dir, 'subject', one, async (app) => {
      await until(async () => {
        other.publish('plain.order', body(1))
        return (await booked(app, one)).length > 0
      }, 'it is heard')
      other.publish('plain.order', body(1))
      other.publish('plain.order', body(2))
      await until(async () => (await booked(app, one)).includes(2), 'the second one came')
      assert.deepEqual(await booked(app, one), [1, 2])
    })
  })

  test('events go to a stream, stored and with their ids, and to a subject that somebody listens to', async () => {
    await stream('told')
    const listener = other.subscribe('heard.order')
    const teller = service(Mirror)
    teller
      .sink('stream', { url: server.url, subject: 'told.order', storedIn: 'told', from: 'start', order: 'key' })
      .on(Mirror.ordered, ({ data }) => ({ body: String(data.n), contentType: 'text/plain', to: `told.${data.order}` }))
    teller
      .sink('subject', { url: server.url, subject: 'heard.order', from: 'start', order: 'key' })
      .on(Mirror.ordered, ({ data }) => String(data.n))
    const ids: string[] = []
    const app = await start([teller], { dir: join(dir, 'sinks'), durability: 'normal' })
    try {
      ids.push(await app.publish(Mirror.ordered, { order: 'a', n: 1 }))
      await app.settled()
      const heard = (await listener[Symbol.asyncIterator]().next()).value
      assert.deepEqual([heard?.string(), heard?.headers?.get('skerry-event-id')], ['1', ids[0]])
      await server.kill()
      ids.push(await app.publish(Mirror.ordered, { order: 'a', n: 2 }))
      await server.startAgain()
      await app.settled()
    } finally {
      await app.stop()
    }
    const jsm = await jetstreamManager(other)
    const stored = await Promise.all([1, 2].map((seq) => jsm.streams.getMessage('told', { seq })))
    assert.deepEqual(
      stored.map((one) => [one?.subject, one?.string(), one?.header.get('skerry-event-id')]),
      [
        ['told.a', '1', ids[0]],
        ['told.a', '2', ids[1]],
      ],
    )
  })

  test('a stream that does not take the subject is not told silently', async () => {
    await stream('narrow')
    const facts: Fact[] = []
    const teller = service(Mirror)
    teller
      .sink('wrong', { url: server.url, subject: 'nowhere.order', storedIn: 'narrow', from: 'start' })
      .on(Mirror.ordered, ({ data }) => String(data.n))
    const app = await start([teller], {
      dir: join(dir, 'wrong'),
      durability: 'normal',
      watcher: (f) => void facts.push(f),
    })
    try {
      await app.publish(Mirror.ordered, { order: 'a', n: 1 })
      await until(() => facts.some((fact) => fact.kind === 'retried' && fact.code === 'unavailable'), 'it is retried')
    } finally {
      await app.stop()
    }
  })
})
