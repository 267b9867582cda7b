/** What publishers live through while the engine is away: inside a transaction, and outside of every service. */
import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type App, contract, event, service, start } from 'skerry'
import { z } from 'zod'
import type { Fact } from '../../src/telemetry.ts'
import { missing } from '../servers/needs.ts'
import { Broker } from './broker.ts'
import { type EngineName, engineNames, engines } from './engines.ts'
import { until } from './waiting.ts'

const said = event({ data: z.object({ key: z.string(), n: z.int() }), key: (d) => d.key })
const People = contract('people', { events: { said } })
const Echo = contract('echo', { events: { repeated: said } })
/** Nobody listens to it. */
const Noise = contract('noise', { events: { made: event({ data: z.int() }) } })

const spoken = 1500
const keys = 7
const outboxLimit = 200
/** Most that one transaction may add to an outbox that had room before it. */
const oneBatch = 512
/** Most that wait for the bus in a publisher's line. */
const longestLine = 100_000
const secondTryMs = 8000

const spokenTable = 'create table spoken (key text not null, n integer not null)'
const heardTable = 'create table heard (key text not null, n integer not null)'

describe('while the engine is away', () => {
  for (const engine of engineNames)
    test(
      `${engine}: handlers publish up to the bound and wait, outsiders hear overloaded, and nothing is lost`,
      {
        skip: missing(engines[engine].server),
      },
      () => whileAway(engine),
    )
})

async function whileAway(engine: EngineName): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-publishers-'))
  chmodSync(folder, 0o711)
  const { kind, durability, promised, url } = engines[engine]
  const broker = await Broker.start(kind, join(folder, 'broker'), { durability })
  const facts: Fact[] = []
  const watcher = (fact: Fact): void => void facts.push(fact)
  const where = { dir: join(folder, 'state'), bus: url(broker.port), durability: promised }
  const app = await start([echo, ear], { ...where, outboxLimit, watcher })
  try {
    await publishAll(app)
    await broker.kill()
    await until(() => facts.some(outboxIsFull), 'the outbox is full')
    await assertBounded(app)
    const line = Array.from({ length: longestLine }, (_, n) => app.publish(Noise.made, n))
    await assert.rejects(app.publish(Noise.made, 0), { code: 'overloaded', message: /100000 events wait/ })
    await broker.start()
    await Promise.all(line)
    await app.settled()
    assert.equal(await count(app, echo, 'select count(distinct n) as n from spoken'), spoken)
    assert.deepEqual(await numbersIn(app, ear, 'heard'), await numbersIn(app, echo, 'spoken'))
    assert.equal(await count(app, echo, 'select count(*) as n from skerry_dead'), 0)
  } finally {
    await app.stop()
    await broker.kill()
    await rm(folder, { recursive: true })
  }
}

/** What the outbox has no room for is not begun. */
async function assertBounded(app: App): Promise<void> {
  const emitted = await count(app, echo, 'select sum(count) as n from skerry_outbox')
  assert.ok(emitted >= outboxLimit && emitted < outboxLimit + oneBatch, `${emitted} emitted events wait`)
  assert.equal(await count(app, echo, 'select count(*) as n from spoken'), emitted)
}

const echo = service(Echo, {
  migrations: [{ number: 1, name: 'spoken', sql: spokenTable, additive: true }],
})
// At the second attempt all are in the consumer's store: there is work without an engine.
const retry = { attempts: 3, firstMs: secondTryMs, factor: 1, jitter: 0 }
echo.subscribe('echo', { from: 'start', retry }).on(People.said, async (tx, { data, attempt }) => {
  if (attempt === 1) throw new Error('not yet')
  await tx.sql`insert into spoken (key, n) values (${data.key}, ${data.n})`
  await tx.publish(Echo.repeated, data)
})

const ear = service(contract('ear', { events: {} }), {
  migrations: [{ number: 1, name: 'heard', sql: heardTable, additive: true }],
})
ear.subscribe('ear', { from: 'start', order: 'key' }).on(Echo.repeated, async (tx, { data }) => {
  await tx.sql`insert into heard (key, n) values (${data.key}, ${data.n})`
})

async function publishAll(app: App): Promise<void> {
  const publish = (_: unknown, n: number): Promise<string> => app.publish(People.said, { key: `k${n % keys}`, n })
  await Promise.all(Array.from({ length: spoken }, publish))
  const kept = "select count(*) as n from skerry_exception where state = 'retry' and record is not null"
  await until(async () => (await count(app, echo, kept)) === spoken, 'all wait in the store')
}

const outboxIsFull = (fact: Fact): boolean =>
  fact.kind === 'paused' && fact.where === 'echo' && fact.code === 'overloaded'

async function count(app: App, of: typeof echo, question: string): Promise<number> {
  const [row] = await app.read(of, (tx) => tx.all<{ n: number | null }>(question))
  return Number(row?.n ?? 0)
}

/** The numbers of each key, in the order in which they were written. */
async function numbersIn(app: App, of: typeof echo | typeof ear, table: 'spoken' | 'heard') {
  const rows = await app.read(of, (tx) =>
    tx.all<{ key: string; n: number }>(`select key, n from ${table} order by rowid`),
  )
  return Object.fromEntries(
    Array.from({ length: keys }, (_, k) => [`k${k}`, rows.filter(({ key }) => key === `k${k}`).map(({ n }) => n)]),
  )
}
