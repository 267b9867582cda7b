/** Topics of Kafka that speak no CloudEvents. The service is on the embedded engines. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Admin, Consumer, Producer } from '@platformatic/kafka'
import { service, start } from 'skerry'
import { until } from '../../src/bus/conformance/fixture.ts'
import { type Broker, startBroker } from '../../src/bus/kafka/fixture.ts'
import { missing } from '../servers/needs.ts'
import { booked, Mirror, mirror, running } from './mirror.ts'

describe('foreign topics on Kafka', { skip: missing('kafka') }, () => {
  let broker: Broker
  let dir: string
  before(async () => {
    broker = await startBroker('4.1.1')
    dir = await mkdtemp(join(tmpdir(), 'skerry-foreign-'))
  })
  after(async () => {
    await broker.dispose()
    await rm(dir, { recursive: true })
  })

  const base = () => ({ clientId: 'other', bootstrapBrokers: [broker.url.slice('kafka://'.length)], retries: 20 })

  async function makeTopic(topic: string, partitions: number): Promise<void> {
    const admin = new Admin(base())
    await admin.createTopics({ topics: [topic], partitions })
    await admin.close()
  }

  const record = (topic: string, n: number) => ({
    topic,
    key: Buffer.from(`o${n % 3}`),
    value: Buffer.from(JSON.stringify({ order: `o${n % 3}`, n })),
  })

  async function produce(topic: string, ...ns: number[]): Promise<void> {
    // Right after a topic was made one of its partitions may refuse; a plain producer then writes to the others twice.
    const producer = new Producer({ ...base(), acks: -1, idempotent: true })
    await producer.send({ messages: ns.map((n) => record(topic, n)) })
    await producer.close()
  }

  test('a topic is taken in once, from its start, on through a kill of the broker and a restart', async () => {
    await makeTopic('orders', 3)
    await produce('orders', 1, 2, 3, 4)
    const one = mirror({ url: broker.url, topic: 'orders', from: 'start' })
    await running(dir, 'orders', one, async (app) => {
      await until(async () => (await booked(app, one)).length === 4, 'four came')
      await broker.kill()
      await broker.startAgain()
      await produce('orders', 5, 6)
      await until(async () => (await booked(app, one)).includes(6), 'and two more')
    })
    await produce('orders', 7)
    await running(dir, 'orders', one, async (app) => {
      await until(async () => (await booked(app, one)).includes(7), 'what was published meanwhile came')
      // Between partitions there is no order.
      assert.deepEqual((await booked(app, one)).toSorted(), [1, 2, 3, 4, 5, 6, 7])
    })
  })

  test('from now on means from the first start on, in partitions that come later, too', async () => {
    await makeTopic('later', 1)
    await produce('later', 1)
    const one = mirror({ url: broker.url, topic: 'later', from: 'now' })
    await running(dir, 'later', one, async (app) => {
      await until(async () => {
        await produce('later', 2)
        return (await booked(app, one)).length > 0
      }, 'it listens')
      const admin = new Admin(base())
      await admin.createPartitions({ topics: [{ name: 'later', count: 3, assignments: null }] })
      await admin.close()
      // To where they are: a producer that knows the topic as it was would not use the new partitions.
      const producer = new Producer(base())
      await producer.send({ messages: [3, 4, 5].map((n) => ({ ...record('later', n), partition: n - 3 })) })
      await producer.close()
      await until(async () => {
        const all = await booked(app, one)
        return [3, 4, 5].every((n) => all.includes(n))
      }, 'all came')
      assert.equal((await booked(app, one)).includes(1), false)
    })
  })

  test('what a transaction gave up is not taken in', async () => {
    await makeTopic('paid', 1)
    const producer = new Producer({ ...base(), idempotent: true, transactionalId: 'till' })
    for (const [n, commits] of [
      [1, true],
      [2, false],
      [3, true],
    ] as const) {
      const transaction = await producer.beginTransaction()
      await transaction.send({ messages: [record('paid', n)] })
      await (commits ? transaction.commit() : transaction.abort())
    }
    await producer.close()
    const one = mirror({ url: broker.url, topic: 'paid', from: 'start' })
    await running(dir, 'paid', one, async (app) => {
      await until(async () => (await booked(app, one)).includes(3), 'the last one came')
      assert.deepEqual(await booked(app, one), [1, 3])
    })
  })

  test('a topic that was made anew is refused, not read as if it were the old one', async () => {
    await makeTopic('anew', 1)
    await produce('anew', 1, 2)
    const one = mirror({ url: broker.url, topic: 'anew', from: 'start' })
    await running(dir, 'anew', one, (app) => until(async () => (await booked(app, one)).length === 2, 'two came'))
    const admin = new Admin(base())
    await admin.deleteTopics({ topics: ['anew'] })
    await admin.close()
    await until(
      () =>
        makeTopic('anew', 1).then(
          () => true,
          () => false,
        ),
      'it was made anew',
    )
    await running(dir, 'anew', one, async (_, facts) => {
      await until(
        () =>
          facts.some((fact) => fact.kind === 'paused' && fact.code === 'log_changed' && /new name/.test(fact.message)),
        'it was said',
      )
    })
  })

  test('events go out with their keys and ids, in the order of their keys, through a kill of the broker', async () => {
    await makeTopic('told', 3)
    const teller = service(Mirror)
    teller
      .sink('told', { url: broker.url, topic: 'told', from: 'start', order: 'key' })
      .on(Mirror.ordered, ({ data }) => String(data.n))
    const app = await start([teller], { dir: join(dir, 'told'), durability: 'normal' })
    const ids: string[] = []
    try {
      for (let n = 1; n <= 60; n++) ids.push(await app.publish(Mirror.ordered, { order: `o${n % 3}`, n }))
      await broker.kill()
      for (let n = 61; n <= 90; n++) ids.push(await app.publish(Mirror.ordered, { order: `o${n % 3}`, n }))
      await broker.startAgain()
      await app.settled()
    } finally {
      await app.stop()
    }
    const consumer = new Consumer({ ...base(), groupId: 'reader' })
    const stream = await consumer.consume({ topics: ['told'], mode: 'earliest' })
    const seen = new Map<string, { n: number; key: string }>()
    for await (const { key, value, headers } of stream) {
      const id = String(
        headers.get(Buffer.from('skerry-event-id')) ??
          [...headers].find(([name]) => String(name) === 'skerry-event-id')?.[1],
      )
      if (!seen.has(id)) seen.set(id, { n: Number(value), key: String(key) })
      if (seen.size === ids.length) break
    }
    await consumer.close(true)
    assert.deepEqual([...seen.keys()].toSorted(), ids.toSorted())
    for (const key of ['o0', 'o1', 'o2']) {
      const ns = [...seen.values()].filter((one) => one.key === key).map(({ n }) => n)
      assert.deepEqual(
        ns,
        ns.toSorted((a, b) => a - b),
      )
    }
  })
})
