import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import type { ServerName } from '../../../test/servers/kinds.ts'
import { missing } from '../../../test/servers/needs.ts'
import { serverVersion } from '../../../test/servers/servers.ts'
import { randomIdentity } from '../../ids.ts'
import { pause, systemClock } from '../../time.ts'
import type { Sink } from '../bus.ts'
import { type Broker, Sender, StoreOnTrial, startBroker } from './fixture.ts'
import { type KafkaBusOptions, openKafkaBus } from './open.ts'

for (const name of ['kafka', 'kafka 3.9'] satisfies ServerName[])
  describe(`what is special about it, on ${name}`, { skip: missing(name) }, () => special(name))

function special(name: ServerName): void {
  let broker: Broker
  before(async () => {
    broker = await startBroker(serverVersion(name) as string)
  })
  after(() => broker.dispose())

  const open = (app: string, more: Partial<KafkaBusOptions> = {}) =>
    openKafkaBus({ url: broker.url, app, durability: 'engine', connectTimeoutMs: 20_000, ...more })
  const newApp = (): string => `app-${randomIdentity().slice(0, 8)}`
  const consumer = (store: string, from: 'start' | 'now' = 'start') => ({ store, service: 'svc', streams: { s: from } })

  test('what was published before and after arrives, each once, each key in order', async () => {
    const bus = await open(newApp())
    const store = new StoreOnTrial()
    const sender = new Sender('p', 's')
    await sender.send(bus, 500)
    const consuming = await bus.deliver?.(consumer('one'), store.sink)
    await sender.send(bus, 500)
    await store.until(() => store.arrived.length === 1000)
    for (let k = 0; k < 40; k++) assert.deepEqual(store.ids(`key ${k}`), sender.ids(`key ${k}`))
    assert.equal(new Set(store.arrived.map(({ source }) => source)).size, 8)
    assert.equal(await consuming?.behind(), 0)
    await bus.close()
    assert.deepEqual(store.troubles, [])
  })

  test('two processes of a store share the partitions, and nothing is lost or doubled when one comes or goes', async () => {
    const app = newApp()
    const [a, b] = [await open(app), await open(app)]
    const store = new StoreOnTrial()
    const by = { a: 0, b: 0 }
    const seenBy = (name: 'a' | 'b'): Sink => ({
      ...store.sink,
      take: async (parcels) => {
        await store.sink.take(parcels)
        by[name] += parcels.length
      },
    })
    const senders = Array.from({ length: 4 }, (_, n) => new Sender(`p${n}`, 's'))
    await a.deliver?.(consumer('one'), seenBy('a'))
    const load = Promise.all(senders.map((sender) => repeat(150, () => sender.send(a, 10))))
    await store.until(() => store.arrived.length > 500)
    await b.deliver?.(consumer('one'), seenBy('b'))
    await load
    const more = async (): Promise<void> => {
      for (const sender of senders) await sender.send(a, 10)
    }
    while (by.b === 0) await more()
    await b.close()
    await more()
    const sent = (): number => senders.reduce((sum, { sent }) => sum + sent, 0)
    await store.until(() => store.arrived.length === sent())
    assert.ok(by.a > 0 && by.b > 0)
    inOrder(store, senders)
    await a.close()
  })

  test('a process that was thought dead is fenced: what it takes late changes nothing', async () => {
    const app = newApp()
    const [a, b] = [await open(app), await open(app)]
    const store = new StoreOnTrial()
    const sender = new Sender('p', 's')
    const asleep = Promise.withResolvers<void>()
    let caught = false
    // The first one falls asleep with parcels in its hands; whoever comes next has the same partitions.
    const zombie: Sink = {
      ...store.sink,
      take: async (parcels) => {
        caught = true
        await asleep.promise
        return store.sink.take(parcels)
      },
    }
    await a.deliver?.(consumer('one'), zombie)
    await sender.send(a, 400)
    await until(() => caught)
    // Another group member would wait for the first one's session; a second consumer group reads at once.
    await b.deliver?.({ ...consumer('one'), service: 'second' }, store.sink)
    await store.until(() => store.arrived.length === 400)
    asleep.resolve()
    await store.until(() => store.fenced > 0)
    await sender.send(a, 100)
    await store.until(() => store.arrived.length === 500)
    inOrder(store, [sender])
    await Promise.all([a.close(), b.close()])
  })

  test('a consumer from now on gets what comes after it was first known, also when it was away meanwhile', async () => {
    const bus = await open(newApp())
    const sender = new Sender('p', 's')
    await sender.send(bus, 50)
    const store = new StoreOnTrial()
    const first = await bus.deliver?.(consumer('one', 'now'), store.sink)
    await first?.stop()
    await sender.send(bus, 50)
    await bus.deliver?.(consumer('one', 'now'), store.sink)
    await store.until(() => store.arrived.length === 50)
    assert.deepEqual(new Set(store.ids()), new Set(sender.ids().slice(50)))
    await bus.close()
  })

  test('a topic that grows keeps the order of keys: the old partitions are drained first', async () => {
    const app = newApp()
    const narrow = await open(app, { partitions: 3 })
    const sender = new Sender('p', 's')
    const store = new StoreOnTrial()
    await sender.send(narrow, 300)
    await narrow.close()
    const wide = await open(app, { partitions: 10 })
    await sender.send(wide, 300)
    await wide.deliver?.(consumer('one'), store.sink)
    await sender.send(wide, 300)
    await store.until(() => store.arrived.length === 900)
    assert.equal(store.duplicates, 0)
    inOrder(store, [sender])
    assert.equal(new Set(store.arrived.map(({ source }) => source)).size, 10)
    await wide.close()
  })

  test('a topic grows under its consumers, which find the new partitions by themselves', async () => {
    const app = newApp()
    const bus = await open(app, { partitions: 2 })
    const store = new StoreOnTrial()
    const sender = new Sender('p', 's')
    await bus.deliver?.(consumer('one'), store.sink)
    await sender.send(bus, 100)
    await store.until(() => store.arrived.length === 100)
    const wide = await open(app, { partitions: 5 })
    await sender.send(wide, 200)
    await store.until(() => store.arrived.length === 300)
    inOrder(store, [sender])
    await Promise.all([bus.close(), wide.close()])
  })

  test('processes that stop while partitions move leave nothing behind that keeps them alive', async () => {
    const app = newApp()
    const store = new StoreOnTrial()
    const before = timers()
    for (let n = 1; n <= 8; n++) {
      const buses = await Promise.all([1, 2, 3].map(() => open(app, { sessionTimeoutMs: 1_000 })))
      for (const bus of buses) {
        await bus.deliver?.(consumer('one'), store.sink)
        // Heartbeats are 200 ms apart: the others learn of the newcomer at any time within that.
        await pause(systemClock, n * 40)
      }
      await Promise.all(buses.map((bus) => bus.close()))
    }
    const end = systemClock.monotonic() + 2_000
    while (timers() > before && systemClock.monotonic() < end) await pause(systemClock, 20)
    assert.equal(timers(), before)
    assert.deepEqual(store.troubles, [])
  })

  test('a broker that is killed in the middle costs time, and nothing else', async () => {
    const bus = await open(newApp(), { connectTimeoutMs: 30_000 })
    const store = new StoreOnTrial()
    const senders = Array.from({ length: 3 }, (_, n) => new Sender(`p${n}`, 's'))
    await bus.deliver?.(consumer('one'), store.sink)
    const load = Promise.all(senders.map((sender) => repeat(100, () => sender.send(bus, 10))))
    for (const reached of [500, 1500]) {
      await store.until(() => store.arrived.length >= reached)
      await broker.kill()
      await broker.startAgain()
    }
    await load
    await store.until(() => store.arrived.length === 3000)
    inOrder(store, senders)
    assert.ok(store.troubles.length > 0 && store.resumed > 0)
    await bus.close()
  })

  test('what a publisher sends again is dropped where it arrives, however long ago it was', async () => {
    const app = newApp()
    const bus = await open(app)
    const store = new StoreOnTrial()
    const sender = new Sender('p', 's')
    await sender.send(bus, 100)
    await bus.deliver?.(consumer('one'), store.sink)
    await store.until(() => store.arrived.length === 100)
    const again = await open(app)
    await again.append(sender.batch(0, 120))
    await store.until(() => store.arrived.length === 120)
    assert.equal(store.duplicates, 100)
    await Promise.all([bus.close(), again.close()])
  })

  test('a store that does not take makes the bus wait, with bounded text in memory; then all comes', async () => {
    const bus = await open(newApp())
    const store = new StoreOnTrial()
    const gate = Promise.withResolvers<void>()
    store.gate = () => gate.promise
    const consuming = await bus.deliver?.(consumer('one'), store.sink)
    const sender = new Sender('p', 's')
    await repeat(20, () => sender.send(bus, 100))
    // 40 keys lie in all 8 partitions: one message of each batch in each.
    assert.equal(await consuming?.behind(), 160)
    gate.resolve()
    await store.until(() => store.arrived.length === 2000)
    inOrder(store, [sender])
    await bus.close()
  })

  test('a store that was restored from an older copy, and a topic that was made again, are refused', async () => {
    const app = newApp()
    const bus = await open(app)
    const store = new StoreOnTrial()
    const sender = new Sender('p', 's')
    await sender.send(bus, 200)
    const consuming = await bus.deliver?.(consumer('one'), store.sink)
    await store.until(() => store.arrived.length === 200)
    await consuming?.stop()
    const older = new StoreOnTrial()
    for (const [source, place] of store.places) older.places.set(source, place - 1)
    await assert.rejects(async () => bus.deliver?.(consumer('one'), older.sink), {
      code: 'log_changed',
      message: /older copy/,
    })
    await bus.close()
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [broker.url.slice(8)] })
    await admin.deleteTopics({ topics: [`${app}.s`] })
    const after = await open(app)
    await assert.rejects(after.append(sender.batch(200, 1)), { code: 'log_changed', message: /it is gone/ })
    await admin.createTopics({ topics: [`${app}.s`], partitions: 8, replicas: 1 })
    await assert.rejects(after.append(sender.batch(200, 1)), { code: 'log_changed', message: /made again/ })
    await admin.close()
    await after.close()
  })

  test('messages that retention took before the store had them are missed: position_lost', async () => {
    const app = newApp()
    const bus = await open(app, { partitions: 1 })
    const store = new StoreOnTrial()
    const consuming = await bus.deliver?.(consumer('one'), store.sink)
    await consuming?.stop()
    const sender = new Sender('p', 's')
    await repeat(3, () => sender.send(bus, 1))
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [broker.url.slice(8)] })
    await admin.deleteRecords({ topics: [{ name: `${app}.s`, partitions: [{ partition: 0, offset: 2n }] }] })
    await admin.close()
    await assert.rejects(async () => bus.deliver?.(consumer('one'), store.sink), { code: 'position_lost' })
    await bus.close()
  })
}

/** One after another. */
async function repeat(times: number, action: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < times; n++) await action()
}

/** That keep the process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

async function until(done: () => boolean): Promise<void> {
  while (!done()) await pause(systemClock, 5)
}

function inOrder(store: StoreOnTrial, senders: readonly Sender[]): void {
  const all = senders.flatMap((sender) => sender.ids())
  assert.equal(store.arrived.length, all.length)
  assert.deepEqual(new Set(store.ids()), new Set(all))
  for (const sender of senders)
    for (let k = 0; k < sender.keys; k++) {
      const key = `key ${k}`
      const got = store.arrived.filter((one) => one.producer === sender.name && one.key === key).map(({ id }) => id)
      assert.deepEqual(got, sender.ids(key))
    }
}
