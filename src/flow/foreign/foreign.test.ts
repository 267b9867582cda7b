import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { before, describe, test } from 'node:test'
import { z } from 'zod'
import { missing } from '../../../test/servers/needs.ts'
import { postgresForSuite, type SuiteServer } from '../../../test/servers/suite.ts'
import type { App } from '../../app.ts'
import { until } from '../../bus/conformance/fixture.ts'
import { openSqliteBus } from '../../bus/sqlite/open.ts'
import { contract, event } from '../../contract.ts'
import { SkerryError } from '../../errors.ts'
import type { SourceOptions } from '../../foreign.ts'
import { encodeRecord } from '../../frame.ts'
import { type AnyService, service } from '../../service.ts'
import { type RunOptions, startOn } from '../../start.ts'
import { openPostgresStore } from '../../store/postgres/open.ts'
import { openSqliteStore } from '../../store/sqlite/open.ts'
import type { Store } from '../../store/store.ts'
import type { Fact } from '../../telemetry.ts'
import { breathe, systemClock } from '../../time.ts'
import { discardDead, editDead, listDead, redriveDead } from '../deadletter.ts'
import { storeStatus } from '../status.ts'
import { deadIds } from '../subscriptions.ts'
import { incoming, TopicsInMemory } from './fixture.ts'

const Mirror = contract('mirror', {
  events: {
    ordered: event({ data: z.object({ n: z.number() }), key: (d) => String(d.n % 2) }),
    noted: event({ data: z.object({ text: z.string() }) }),
  },
})

type Kind = 'sqlite' | 'postgres'
/** Where the stores of the tests that run now are. */
let kind: Kind = 'sqlite'
let server: SuiteServer | undefined

const line = { sqlite: 'integer', postgres: 'serial' }
const migrations = () => [
  {
    number: 1,
    name: 'book',
    additive: true,
    sql: `create table book (line ${line[kind]} primary key, n integer, id text)`,
  },
]

/** The service, and what it has made of the messages so far. */
function mirror(options: Partial<SourceOptions> = {}) {
  const one = service(Mirror, { migrations: migrations() })
  const source = { url: 'amqp://127.0.0.1', queue: 'q', id: 'message-id', ...options } as SourceOptions
  one.source('old', source).on(Mirror.ordered, ({ text }) => (text.startsWith('#') ? undefined : JSON.parse(text)))
  one.subscribe('book', { from: 'start' }).on(Mirror.ordered, async (tx, { id, data }) => {
    await tx.sql`insert into book (n, id) values (${data.n}, ${id})`
  })
  return one
}

interface Running {
  readonly app: App
  readonly topics: TopicsInMemory
  readonly facts: readonly Fact[]
  readonly store: Store
  booked(): Promise<number[]>
}

async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'skerry-foreign-'))
  try {
    await work(dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** Each folder is an application of its own. */
function storeIn(dir: string, service: string, given: object): Promise<Store> {
  const common = { clock: systemClock, durability: 'normal', ...given } as const
  if (kind === 'sqlite') return openSqliteStore({ ...common, file: join(dir, `${service}.db`) })
  return openPostgresStore({ ...common, url: `${server?.url}/postgres`, service, app: basename(dir) })
}

async function running(
  dir: string,
  one: AnyService,
  work: (at: Running) => Promise<void>,
  options: RunOptions = {},
): Promise<void> {
  const topics = new TopicsInMemory()
  const facts: Fact[] = []
  let store: Store | undefined
  const engines = {
    openBus: () => openSqliteBus({ file: join(dir, 'bus.db'), clock: systemClock, durability: 'normal' }),
    openStore: async (name: string, given: object) => {
      store = await storeIn(dir, name, given)
      return store
    },
    openTopics: async () => topics,
  }
  const app = await startOn(engines, [one], { watcher: (fact) => void facts.push(fact), ...options })
  const booked = () =>
    app.read(one, async (tx) => (await tx.sql<{ n: number }>`select n from book order by line`).map(({ n }) => n))
  try {
    await work({ app, topics, facts, store: store as Store, booked })
  } finally {
    await app.stop()
  }
}

const onMirror = (options: Partial<SourceOptions>, work: (at: Running) => Promise<void>): Promise<void> =>
  inFolder((dir) => running(dir, mirror(options), work))

const message = (n: number) => incoming(`m${n}`, JSON.stringify({ n }))

const outboxFrame = encodeRecord({
  ...{ id: 'five', type: 'ordered', version: 1, key: '1', time: 1, due: 0, expires: 0, attributes: undefined },
  data: '{"n":5}',
})

describe('on SQLite stores', () => foreignTopics('sqlite'))

describe('on PostgreSQL stores', { skip: missing('postgresql') }, () => {
  server = postgresForSuite('NORMAL')
  foreignTopics('postgres')
})

function foreignTopics(on: Kind): void {
  before(() => {
    kind = on
  })

  test('a message becomes one event, with one id, however often it is delivered', () =>
    inFolder(async (dir) => {
      await running(dir, mirror(), async ({ app, topics, booked }) => {
        await topics.take(message(1), message(2), message(1))
        await topics.take(message(2), message(3))
        await app.settled()
        assert.deepEqual(await booked(), [1, 2, 3])
      })
      // As after a crash before the acknowledgement.
      await running(dir, mirror(), async ({ app, topics, booked, store }) => {
        await topics.take(message(3), message(4))
        await app.settled()
        assert.deepEqual(await booked(), [1, 2, 3, 4])
        const { sources } = await store.read((tx) => storeStatus(tx, { boot: undefined, now: 0 }))
        assert.deepEqual(sources, [{ source: 'mirror/old', received: 4, duplicates: 3, ignored: 0, deadLetters: 0 }])
      })
    }))

  test('by content equal messages are one, by delivery each is another', async () => {
    const equal = [incoming('', '{"n":1}'), incoming('', '{"n":1}')]
    await onMirror({ id: 'content' }, async ({ app, topics, booked }) => {
      await topics.take(...equal)
      await app.settled()
      assert.deepEqual(await booked(), [1])
    })
    await onMirror({ id: 'delivery' }, async ({ app, topics, booked }) => {
      await topics.take(...equal)
      await app.settled()
      assert.deepEqual(await booked(), [1, 1])
    })
    await onMirror({ id: ({ key }) => key }, async ({ app, topics, booked }) => {
      await topics.take(incoming('a', '{"n":1}'), incoming('b', '{"n":2}'))
      await app.settled()
      assert.deepEqual(await booked(), [1], 'both have one key')
    })
  })

  test('where a log has offsets they tell what came before, and no id is kept', () =>
    inFolder(async (dir) => {
      const one = service(Mirror, { migrations: migrations() })
      one
        .source('old', { url: 'kafka://127.0.0.1', topic: 't', from: 'start' })
        .on(Mirror.noted, ({ text }) => ({ text }))
      const seen: string[] = []
      one.subscribe('book', { from: 'start' }).on(Mirror.noted, (_tx, { data }) => void seen.push(data.text))
      const at = (part: string, offset: number) => ({
        ...incoming('', `${part}/${offset}`, { place: `${part}/${offset}` }),
        offset: { part, at: offset },
      })
      await running(dir, one, async ({ app, topics, store }) => {
        const intake = await topics.intake
        await intake.begin({ 't/0': 5 })
        await intake.take([at('t/0', 4), at('t/0', 5), at('t/0', 7), at('t/1', 0)])
        await intake.take([at('t/0', 7), at('t/1', 0), at('t/1', 1)])
        await intake.begin({ 't/0': 1 })
        await app.settled()
        assert.deepEqual(seen.toSorted(), ['t/0/5', 't/0/7', 't/1/0', 't/1/1'])
        assert.deepEqual(await intake.places(['t/0', 't/1', 't/2']), { 't/0': 8, 't/1': 2 })
        assert.deepEqual(await store.read((tx) => tx.all('select * from skerry_foreign_seen')), [])
      })
    }))

  test('what means nothing, or does not fit, is a dead letter, and the others go on', () =>
    onMirror({}, async ({ app, topics, booked, store, facts }) => {
      await topics.take(message(1), incoming('bad', 'no JSON'), incoming('odd', '{"n":"two"}'), incoming('', '{"n":9}'))
      await topics.take(incoming('none', '# a comment'), incoming('bad', 'no JSON'), message(2))
      await app.settled()
      assert.deepEqual(await booked(), [1, 2])
      const dead = await store.read((tx) => listDead(tx, 10))
      assert.deepEqual(
        dead
          .map(({ subscription, code, message: why }) => [
            subscription,
            code,
            /JSON|expected number|message-id|no decoder/.exec(why)?.[0],
          ])
          .toSorted(),
        [
          ['mirror/old', 'failed', 'JSON'],
          ['mirror/old', 'invalid_event', 'expected number'],
          ['mirror/old', 'invalid_event', 'message-id'],
          ['mirror/old', 'invalid_event', 'no decoder'],
        ],
      )
      assert.equal(facts.filter(({ kind }) => kind === 'dead').length, 4)
    }))

  test('messages that nobody wants can be ignored', () =>
    onMirror({ otherwise: 'ignore' }, async ({ app, topics, booked, store }) => {
      await topics.take(incoming('none', '# a comment'), message(2))
      await app.settled()
      assert.deepEqual(await booked(), [2])
      assert.deepEqual(await store.read((tx) => listDead(tx, 10)), [])
    }))

  test('a dead letter that was repaired and handed back becomes its event; one that was not is dead again', () =>
    onMirror({}, async ({ app, topics, booked, store }) => {
      await topics.take(incoming('bad', 'no JSON'), incoming('odd', '{"n":"two"}'), incoming('gone', 'x'))
      const dead = await store.read((tx) => listDead(tx, 10))
      const idOf = (text: string): string =>
        dead.find(({ record }) => record.data.includes(JSON.stringify(text)))?.id ?? ''
      await store.write(async (tx) => {
        await editDead(tx, idOf('no JSON'), JSON.stringify({ text: '{"n":7}' }))
        await redriveDead(tx, idOf('no JSON'))
        await redriveDead(tx, idOf('{"n":"two"}'))
        await discardDead(tx, idOf('x'))
      })
      await until(async () => (await booked()).includes(7), 'the repaired one is there')
      await app.settled()
      assert.deepEqual(await store.read(deadIds), [idOf('{"n":"two"}')])
      assert.deepEqual(await store.read((tx) => tx.all('select * from skerry_exception')), [], 'taken up once')
      const [again] = await store.read((tx) => listDead(tx, 10))
      assert.equal(again?.history.length, 2)
      await topics.take(incoming('bad', 'no JSON'))
      await app.settled()
      assert.deepEqual(await booked(), [7], 'what comes again is known all the same')
    }))

  test('bytes that are no text are kept whole', () =>
    onMirror({}, async ({ topics, store }) => {
      const body = Buffer.from([0xff, 0x00, 0xfe])
      await topics.take(incoming('by\0tes', '', { body, key: 'k\0' }))
      const [dead] = await store.read((tx) => listDead(tx, 1))
      assert.deepEqual([dead?.key, /\0/.test(dead?.message ?? '')], ['k\\0', false])
      assert.deepEqual(Buffer.from(JSON.parse(dead?.record.data ?? '').base64, 'base64'), body)
    }))

  test(
    'a full outbox holds messages back, and nothing is lost',
    { skip: on === 'postgres' && 'its rows are numbered otherwise' },
    () =>
      inFolder(async (dir) => {
        const one = mirror()
        const paused = (facts: readonly Fact[]) =>
          facts.some((fact) => fact.kind === 'paused' && fact.code === 'overloaded')
        await running(
          dir,
          one,
          async ({ app, topics, booked, facts, store }) => {
            // Two events that no relay has sent: their numbers follow on those that the bus has.
            await topics.take(message(1))
            await app.settled()
            await store.write(async (tx) => {
              await tx.run('insert into skerry_outbox (first, count, frame) values (2, 1, ?)', outboxFrame)
              await tx.run("update skerry_meta set value = '3' where name = 'outbox_next'")
            })
            const taken = topics.take(message(2))
            await until(() => paused(facts), 'it says that it waits')
            await taken
            await app.settled()
            assert.deepEqual(await booked(), [1, 5, 2])
          },
          { outboxLimit: 1 },
        )
      }),
  )

  test('of two processes one receives, and the other takes over when it goes', () =>
    inFolder((dir) =>
      running(dir, mirror(), async (stays) => {
        const atWork = ({ topics }: Running): number => topics.begun - topics.stopped
        await running(dir, mirror(), async (goes) => {
          // Which of them it is may change once, when the second one is seen.
          await until(() => atWork(stays) + atWork(goes) === 1, 'one receives')
          await (atWork(stays) === 1 ? stays : goes).topics.take(message(1)).catch(() => {})
        })
        await stays.topics.take(message(1), message(2))
        await stays.app.settled()
        assert.deepEqual((await stays.booked()).toSorted(), [1, 2])
        assert.equal(atWork(stays), 1)
      }),
    ))

  test('a process that lost its place takes nothing in, and goes on when it gets it back', () =>
    onMirror({}, async ({ app, topics, store, booked }) => {
      const intake = await topics.intake
      const own = "update skerry_share set owner = ? where subscription = '~relay'"
      const [row] = await store.read((tx) =>
        tx.all<{ owner: string }>("select owner from skerry_share where subscription = '~relay'"),
      )
      const hand = (owner: string) => store.write((tx) => tx.run(own, owner), 'bookkeeping')
      const another = (row?.owner ?? '').replace(/[^.]+$/, 'another')
      await hand(another)
      let done = false
      const taken = intake.take([message(1)]).then(() => {
        done = true
      })
      for (let n = 0; n < 20; n++) await breathe()
      assert.deepEqual([done, await booked()], [false, []])
      await hand(row?.owner ?? '')
      await taken
      await app.settled()
      assert.deepEqual(await booked(), [1])
    }))

  test('a sink sends in the order of its keys, retries, and says which event it was', () =>
    inFolder(async (dir) => {
      const one = mirror()
      one
        .sink('till', {
          url: 'nats://127.0.0.1',
          subject: 's',
          from: 'start',
          order: 'key',
          retry: { firstMs: 1, jitter: 0 },
        })
        .on(Mirror.ordered, ({ data }) => String(data.n))
        .on(Mirror.noted, ({ data }) =>
          data.text === 'skip'
            ? undefined
            : { body: data.text, contentType: 'text/plain', headers: { a: 'b' }, to: 't' },
        )
      await running(dir, one, async ({ app, topics, booked }) => {
        let failures = 3
        topics.failure = () => (failures-- > 0 ? new SkerryError('unavailable', 'the till is away') : undefined)
        const ids = await Promise.all([1, 2, 3, 4].map((n) => app.publish(Mirror.ordered, { n })))
        await app.settled()
        const texts = topics.sent.map(({ message: { body } }) => String(body))
        assert.deepEqual(
          [texts.filter((n) => Number(n) % 2 === 0), texts.filter((n) => Number(n) % 2 === 1)],
          [
            ['2', '4'],
            ['1', '3'],
          ],
        )
        assert.deepEqual(topics.sent.map(({ message: { id } }) => id).toSorted(), ids.toSorted())
        topics.sent.splice(0)
        await app.publish(Mirror.noted, { text: 'skip' })
        const id = await app.publish(Mirror.noted, { text: 'hello' })
        await app.settled()
        const [{ label, message: sent }] = topics.sent as [(typeof topics.sent)[0]]
        assert.equal(topics.sent.length, 1)
        assert.deepEqual(
          [label, String(sent.body), sent.contentType, sent.to, sent.headers.a],
          ['mirror/till', 'hello', 'text/plain', 't', 'b'],
        )
        assert.equal(sent.headers['skerry-event-id'], id)
        // What comes back from there is one's own.
        await topics.take({ message: { ...message(9).message, headers: { ...sent.headers } } })
        await app.settled()
        assert.deepEqual((await booked()).toSorted(), [1, 2, 3, 4])
      })
    }))

  test('a sink whose credentials are refused buries no event: all go out once they are restored', () =>
    inFolder(async (dir) => {
      const one = mirror()
      one
        .sink('till', { url: 'nats://127.0.0.1', subject: 's', from: 'start', retry: { firstMs: 1, jitter: 0 } })
        .on(Mirror.ordered, ({ data }) => String(data.n))
      await running(dir, one, async ({ app, topics }) => {
        let refusals = 5
        topics.failure = () => (refusals-- > 0 ? new SkerryError('unauthorized', 'the password is wrong') : undefined)
        for (const n of [1, 2, 3]) await app.publish(Mirror.ordered, { n })
        await app.settled()
        assert.deepEqual(topics.sent.map(({ message: { body } }) => String(body)).toSorted(), ['1', '2', '3'])
      })
    }))
}
