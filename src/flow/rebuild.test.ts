import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { z } from 'zod'
import type { Bus, BusStatus } from '../bus/bus.ts'
import { contract, event } from '../contract.ts'
import { openBus, openScratch, openStore } from '../engines.ts'
import { SkerryError } from '../errors.ts'
import { seededRandom } from '../ids.ts'
import { type AnyService, service } from '../service.ts'
import { start } from '../start.ts'
import type { Store } from '../store/store.ts'
import { systemClock } from '../time.ts'
import type { PrepareContext } from './handler.ts'
import { replay, swapIn } from './rebuild.ts'
import { setPaused } from './subscriptions.ts'

const Sales = contract('sales', {
  events: { sold: event({ data: z.object({ item: z.string() }), key: (d) => d.item }) },
})
const Report = contract('report', { events: {} })
const migrations = [{ number: 1, name: 'sale', sql: 'create table sale (item text)', additive: true }]

/** Notes what was sold, unless it may not; keeps the order of each item. */
function report(
  refused: string,
  prepare: (ctx: PrepareContext) => Promise<unknown> = async () => undefined,
): AnyService {
  const made = service(Report, { projection: true, migrations })
  made.subscribe('sales', { from: 'start', order: 'key' }).on(Sales.sold, {
    prepare,
    handle: async (tx, { data }) => {
      if (data.item === refused) throw new SkerryError('terminal', `no ${refused}`)
      await tx.sql`insert into sale (item) values (${data.item})`
    },
  })
  return made
}

let folder: string
let dir: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skerry-rebuild-'))
})
beforeEach(async () => {
  dir = await mkdtemp(join(folder, 'one-'))
})
after(() => rm(folder, { recursive: true }))

async function sell(code: AnyService, ...items: string[]): Promise<string[]> {
  const app = await start([code], { dir, durability: 'normal' })
  for (const item of items) await app.publish(Sales.sold, { item })
  await app.settled()
  const rows = await app.read(code, (tx) => tx.sql`select item from sale order by item`)
  await app.stop()
  return rows.map((row) => String(row.item))
}

async function rebuild(
  code: AnyService,
  change: (live: Store, bus: Bus) => Promise<void> = async () => {},
): Promise<BusStatus> {
  const bus = await openBus({ dir, clock: systemClock, durability: 'normal' })
  const live = await openStore('report', { dir, clock: systemClock, migrations: 'any' })
  const scratch = await openScratch('report', { dir, clock: systemClock, migrations })
  try {
    await change(live, bus)
    const identity = { random: seededRandom('x'), me: 'boot.1.x', pid: 1, maxEventBytes: 1000 }
    const { store } = scratch
    const { marks } = await replay({ service: code, scratch: store, bus, clock: systemClock, ...identity }).finally(
      () => store.close(),
    )
    await swapIn({ service: code, live, bus, marks, processes: async () => [], adopt: (tx) => scratch.adopt(tx) })
    return await bus.status()
  } finally {
    await scratch.store.close()
    await live.close()
    await scratch.remove()
    await bus.close()
  }
}

test('a key that comes into trouble only now is kept on the bus, though the bus was told to be done with it', async () => {
  assert.deepEqual(await sell(report(''), 'nut', 'bolt', 'nut'), ['bolt', 'nut', 'nut'])
  const { readers } = await rebuild(report('nut'))
  assert.ok((readers[0]?.marks.sales ?? 0) <= 3, `kept from ${readers[0]?.marks.sales}`)
  // A start that took the store for an older copy would be refused.
  assert.deepEqual(await sell(report('nut'), 'bolt'), ['bolt', 'bolt'])
})

test('a subscription that was paused stays so', async () => {
  await sell(report(''), 'nut')
  await rebuild(report(''), (live) => live.write(async (tx) => void (await setPaused(tx, 'report/sales', true))))
  const live = await openStore('report', { dir, clock: systemClock, migrations: 'any' })
  const rows = await live.read((tx) => tx.all('select name, paused from skerry_subscription'))
  assert.deepEqual(rows, [{ name: 'report/sales', paused: 1 }])
  await live.close()
})

test('a handler that asks the outside world ends the rebuild', async () => {
  await sell(report(''), 'nut')
  const asks = report('', (ctx) => ctx.outside('price', async () => 1))
  await assert.rejects(rebuild(asks), /report cannot be rebuilt: sales asks the outside world for sales\.sold/)
  assert.deepEqual(await sell(report('')), ['nut'])
})

test('events that the live store has emitted, but not sent, are not lost', async () => {
  await sell(report(''), 'nut')
  const emit = async (live: Store): Promise<void> => {
    await live.write(async (tx) => {
      await tx.run("insert into skerry_outbox (first, count, frame) values (1, 1, '')")
      await tx.run("insert into skerry_meta (name, value) values ('outbox_next', '2')")
    })
  }
  await assert.rejects(rebuild(report(''), emit), /1 events wait in its outbox/)
})
