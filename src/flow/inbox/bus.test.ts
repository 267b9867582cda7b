import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../app.ts'
import { randomIdentity } from '../../ids.ts'
import type { AnyService } from '../../service.ts'
import { startOn } from '../../start.ts'
import { sqliteFixture } from '../../store/sqlite/fixture.ts'
import type { Store } from '../../store/store.ts'
import { type Fact, unwatched } from '../../telemetry.ts'
import { pause, systemClock } from '../../time.ts'
import { ear, effects, listener, quick, record, Town } from '../conformance/words.ts'
import { discardDead, listDead } from '../deadletter.ts'
import { setPaused } from '../subscriptions.ts'
import { InboxBus } from './bus.ts'
import { batchOf, MemoryEngine } from './fixture.ts'
import { anonymousHorizonMs } from './marks.ts'
import type { InboxBounds } from './room.ts'

interface World {
  readonly engine: MemoryEngine
  readonly facts: Fact[]
  start(service: AnyService): Promise<App>
  store: Store
  rows(text: string): Promise<Record<string, unknown>[]>
}

async function world(work: (world: World) => Promise<void>): Promise<void> {
  const fixture = await sqliteFixture()
  const engine = new MemoryEngine()
  const store = await fixture.open({ migrations: [effects] })
  const apps: App[] = []
  const facts: Fact[] = []
  try {
    await work({
      ...{ engine, facts, store },
      async start(service) {
        const openStore = () => fixture.open({ migrations: [effects] })
        const watcher = (fact: Fact): void => void facts.push(fact)
        const app = await startOn({ openBus: async () => engine, openStore }, [service], { watcher })
        apps.push(app)
        return app
      },
      rows: (text) => store.read((tx) => tx.all(text)),
    })
  } finally {
    for (const app of apps) await app.stop()
    await store.close()
    await fixture.dispose()
  }
}

const say = (app: App, numbers: readonly number[], key?: string) =>
  Promise.all(numbers.map((n) => app.publish(Town.said, { n, key: key ?? `key ${n % 7}` })))

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

async function until(holds: () => Promise<boolean> | boolean, otherwise: string): Promise<void> {
  const end = systemClock.monotonic() + 10_000
  while (!(await holds())) {
    assert.ok(systemClock.monotonic() < end, otherwise)
    await pause(systemClock, 5)
  }
}

const handled = async ({ rows }: World): Promise<number[]> =>
  (await rows('select n from effect order by place')).map(({ n }) => n as number)

test('what an engine hands out again and again is handled once, and in the order of each key', () =>
  world(async (here) => {
    here.engine.loseEvery = 3
    const app = await here.start(listener({ order: 'key' }, record))
    await say(app, upTo(500))
    await app.settled()
    const numbers = await handled(here)
    assert.equal(numbers.length, 500)
    for (let key = 0; key < 7; key++) {
      const ofKey = numbers.filter((n) => n % 7 === key)
      assert.deepEqual(
        ofKey,
        [...ofKey].sort((a, b) => a - b),
      )
    }
  }))

test('settled waits for what was published and has not arrived yet', () =>
  world(async (here) => {
    const app = await here.start(listener({}, record))
    for (let round = 1; round <= 20; round++) {
      await say(app, [round])
      await app.settled()
      assert.equal((await handled(here)).length, round)
    }
  }))

test('what all subscriptions have passed is removed', () =>
  world(async (here) => {
    const app = await here.start(listener({}, record))
    await say(app, upTo(50))
    await app.settled()
    await until(async () => (await here.rows('select * from skerry_inbox')).length === 0, 'nothing is left')
    assert.deepEqual(await here.rows('select stream, events, bytes, missing from skerry_inbox_stream'), [
      { stream: 'town', events: 0, bytes: 0, missing: 0 },
    ])
  }))

test('what waits behind a parked key is kept, alone, and handled when the key goes on', () =>
  world(async (here) => {
    const service = listener({ order: 'key', retry: { ...quick, attempts: 1 } }, async (tx, event) => {
      if (event.data.n === 1) throw new Error('no')
      await record(tx, event)
    })
    const app = await here.start(service)
    await say(app, [1, 2, 3], 'parked')
    await say(
      app,
      upTo(40).map((n) => n + 10),
      'other',
    )
    await app.settled()
    await say(app, [4], 'parked')
    await app.settled()
    await until(async () => (await here.rows('select * from skerry_inbox')).length === 0, 'the inbox is empty')
    assert.equal((await here.rows('select * from skerry_inbox_kept')).length, 3)
    const [dead] = await here.store.read((tx) => listDead(tx, 1))
    await here.store.write((tx) => discardDead(tx, dead?.id ?? ''))
    await until(async () => (await handled(here)).length === 43, 'those behind it are handled')
    assert.deepEqual((await handled(here)).slice(-3), [2, 3, 4])
    await until(async () => (await here.rows('select * from skerry_inbox_kept')).length === 0, 'nothing is kept')
  }))

test('a subscription that is paused keeps what it has not seen, and stops no other', () =>
  world(async (here) => {
    const service = ear()
    service.subscribe('a', { from: 'start' }).on(Town.said, record)
    service
      .subscribe('b', { from: 'start' })
      .on(Town.said, (tx, e) => record(tx, { ...e, data: { ...e.data, n: -e.data.n } }))
    const app = await here.start(service)
    await here.store.write((tx) => setPaused(tx, 'ear/a', true))
    await until(async () => {
      await say(app, [1])
      await app.settled()
      return (await here.rows('select * from skerry_inbox')).length > 3
    }, 'rows stay for the paused one')
    await here.store.write((tx) => setPaused(tx, 'ear/a', false))
    await until(async () => {
      const numbers = await handled(here)
      return numbers.filter((n) => n > 0).length === numbers.filter((n) => n < 0).length
    }, 'it catches up')
  }))

test('a second process notices what the first one took in', () =>
  world(async (here) => {
    const first = await here.start(listener({}, record))
    const second = await here.start(listener({}, record))
    await say(first, upTo(100))
    await Promise.all([first.settled(), second.settled()])
    assert.equal((await handled(here)).length, 100)
  }))

test('a subscription from the start that comes when the beginning is gone is refused, naming the remedy', () =>
  world(async (here) => {
    const app = await here.start(listener({ name: 'ears' }, record))
    await say(app, upTo(3))
    await app.settled()
    await until(async () => (await here.rows('select * from skerry_inbox')).length === 0, 'it was passed')
    await assert.rejects(here.start(listener({ name: 'late' }, record)), {
      code: 'capability_absent',
      message: /ear\/late wants town from the start.*subscribe from 'now'/,
    })
    const now = await here.start(listener({ name: 'late', from: 'now' }, record))
    await say(now, [4])
    await now.settled()
    assert.equal((await handled(here)).filter((n) => n !== 4).length, 3)
  }))

test('events that the engine lost are reported, and what comes after them is handled', () =>
  world(async (here) => {
    const app = await here.start(listener({}, record))
    const send = (first: number) => here.engine.append(batchOf('town', 'p', first, ['k', 'k']))
    await send(1)
    await app.settled()
    const [queue] = here.engine.queues.values()
    queue?.streams.delete('town')
    await send(3)
    queue?.streams.add('town')
    await send(5)
    await app.settled()
    const missing = here.facts.filter((fact) => fact.kind === 'missing')
    assert.deepEqual(missing, [{ kind: 'missing', stream: 'town', producer: 'p', from: 3, to: 4 }])
    assert.deepEqual(await here.rows('select missing from skerry_inbox_stream'), [{ missing: 2 }])
  }))

async function inboxAlone(bounds: InboxBounds | undefined, work: (inbox: InboxBus, here: World) => Promise<void>) {
  await world(async (here) => {
    await here.store.write((tx) => tx.run("insert into skerry_inbox_stream (stream, start) values ('s', 'start')"))
    const options = { engine: here.engine, store: here.store, service: 'ear', clock: systemClock, watcher: unwatched }
    const inbox = new InboxBus({ ...options, ...(bounds && { bounds }) })
    await inbox.begin({ s: 'start' })
    try {
      await work(inbox, here)
    } finally {
      await inbox.close()
    }
  })
}

const place = (next: number) =>
  `insert into skerry_position (subscription, lane_from, stream, next) values ('a', 0, 's', ${next})
   on conflict (subscription, lane_from, stream) do update set next = excluded.next`

test('above its bound the inbox takes nothing, the engine keeps the rest, and room comes with reading', () =>
  inboxAlone({ ahead: { events: 20, bytes: 1e6 }, all: { events: 1e6, bytes: 1e9 } }, async (inbox, here) => {
    await here.store.write((tx) => tx.run(place(0)))
    for (let n = 1; n <= 100; n++) await inbox.append(batchOf('s', 'p', n, ['k']))
    const events = async () => (await here.rows('select events from skerry_inbox_stream'))[0]?.events as number
    const waits = () => [...here.engine.queues.values()].every((queue) => queue.out > 0)
    await until(async () => (await events()) >= 20 && waits(), 'it fills up, and the engine has more')
    // At most what was handed out together with the last that fitted.
    assert.ok((await events()) < 30, `${await events()} events`)
    assert.ok([...here.engine.queues.values()].every((queue) => queue.parcels.length > 60))
    await here.store.write((tx) => tx.run(place(1000)))
    await until(async () => (await events()) === 100, 'the rest comes')
  }))

test('the inbox closes while it is full', () =>
  inboxAlone({ ahead: { events: 1e6, bytes: 1e9 }, all: { events: 1, bytes: 1e9 } }, async (inbox, here) => {
    for (let n = 1; n <= 10; n++) await inbox.append(batchOf('s', 'p', n, ['k']))
    await until(async () => (await here.rows('select * from skerry_inbox')).length > 0, 'something came')
  }))

test('nameless producers are forgotten after their horizon, those with a name never', () =>
  world(async (here) => {
    await here.store.write(async (tx) => {
      const old = systemClock.wall() - anonymousHorizonMs - 1000
      const put = 'insert into skerry_inbox_mark (stream, producer, number, seen) values (?, ?, 1, ?)'
      await tx.run(put, 's', `publisher ${randomIdentity()}`, old)
      await tx.run(put, 's', 'publisher recent', old + 10_000)
      await tx.run(put, 's', 'import 2024', old)
    })
    await here.start(listener({}, record))
    assert.deepEqual(
      (await here.rows('select producer from skerry_inbox_mark order by producer')).map(({ producer }) => producer),
      ['import 2024', 'publisher recent'],
    )
  }))

test('a producer is where its outbox says, a stranger where its events have arrived', () =>
  inboxAlone(undefined, async (inbox, here) => {
    await inbox.append(batchOf('s', 'stranger', 1, ['a', 'b', 'c']))
    await until(() => inbox.arrived(), 'it arrives')
    assert.equal(await inbox.producerMark('stranger'), 3)
    assert.equal(await inbox.producerMark(here.store.identity), 0)
    await here.store.write(async (tx) => {
      await tx.run("insert into skerry_outbox (first, count, frame) values (8, 2, '')")
      await tx.run("insert into skerry_meta (name, value) values ('outbox_next', '10')")
    })
    assert.equal(await inbox.producerMark(here.store.identity), 7)
    await here.store.write((tx) => tx.run('delete from skerry_outbox'))
    assert.equal(await inbox.producerMark(here.store.identity), 9)
  }))
