/**
 * How fast the checker is, on one core: the whole shop with the default effort; then every order of three events that can
 * matter, of all services together; then what a schedule costs against the number of events, a pair against the number of
 * event types, and a delivery against the rows that a store holds. Times are CPU times of the whole process, so that
 * what else the machine does does not count, and collecting garbage does.
 */
import { contract, event, service } from 'skerry'
import { check, simulate } from 'skerry/independence'
import { z } from 'zod'
import { services } from '../../examples/shop/services.ts'
import { Shopper } from '../../examples/shop/shopper/contract.ts'
import { defaultMaxEventBytes } from '../../src/event.ts'
import { compose } from '../../src/flow/compose.ts'
import { derivedId } from '../../src/ids.ts'
import { explore } from '../../src/independence/check/explore.ts'
import { Flow } from '../../src/independence/check/flow.ts'
import { type Footprint, meeting } from '../../src/independence/check/footprint.ts'
import { Whole } from '../../src/independence/check/whole.ts'
import { World } from '../../src/independence/check/world.ts'
import { nowUs } from '../clock.ts'
import { contend } from '../contender.ts'

const eventCounts = [1, 2, 3, 4] as const
const typeCounts = [2, 4, 8, 16] as const
const rowCounts = [10, 1_000, 100_000] as const
/** One number of events is run again and again for as long as this. */
const leastMs = 500

const Item = z.object({ item: z.string(), n: z.int() })
const Source = contract('till', { events: { counted: event({ data: Item }) } })

/** Events that have something to do with one another: lines of one cart, and its checking out. */
const line = { line: 'l1', stockCode: 'mug', quantity: 1, unitPrice: 2_000 }
const first = [
  [Shopper.added, { cart: 'c1', stockCode: 'mug', quantity: 1 }],
  [Shopper.set, { cart: 'c1', stockCode: 'mug', quantity: 2 }],
  [Shopper.checkedOut, { cart: 'c1', customer: 'anna', lines: [line] }],
  [Shopper.cancelled, { cancellation: 'x1', customer: 'anna', lines: [line] }],
] as const

await contend(async (run) => {
  const started = nowUs()
  const shop = await timed(() => check(services).run())
  const figures: Record<string, number> = {
    shopS: shop.ms / 1_000,
    deliveriesPerS: (1_000 * shop.result.deliveries) / shop.ms,
  }
  for (const events of eventCounts) figures[`schedulesPerS, ${events} events`] = await schedulesPerS(events)
  figures.schedulesPerS = figures['schedulesPerS, 3 events'] as number
  for (const types of typeCounts) figures[`msPerPair, ${types} types`] = await msPerPair(types)
  for (const rows of rowCounts) figures[`usPerDelivery, ${rows} rows`] = await usPerDelivery(rows)
  const { events } = run
  return { events, elapsedMs: (nowUs() - started) / 1_000, lost: 0, duplicates: 0, figures }
})

async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly ms: number }> {
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  return { result, ms: (user + system) / 1_000 }
}

/** Complete orders of so many events of the shop; opening its stores, which is done once, is not counted. */
async function schedulesPerS(events: number): Promise<number> {
  const world = await World.open(Object.values(services))
  const flow = new Flow(world)
  for (const [at, [type, data]] of first.slice(0, events).entries()) {
    const id = derivedId('bench', String(at))
    const record = compose(type, data, undefined, { id, now: Date.UTC(2026, 0, 1), maxBytes: defaultMaxEventBytes })
    flow.publish({ stream: type.service, position: at, record })
  }
  const meets = (a: Footprint, b: Footprint): boolean => meeting(a, b) !== undefined
  const exploring = { meets, orders: 'reduced', most: 2_000, ended: () => true } as const
  let complete = 0
  const { ms } = await timed(async () => {
    const started = nowUs()
    while (nowUs() - started < leastMs * 1_000) complete += (await explore(new Whole(flow, 0), exploring)).complete
  })
  world.close()
  return (1_000 * complete) / ms
}

/** A service with so many types of events, each of which adds to one row of a common table. */
async function msPerPair(types: number): Promise<number> {
  const events = Object.fromEntries([...Array(types).keys()].map((at) => [`e${at}`, event({ data: Item })]))
  const Many = contract('source', { events })
  const counting = service(contract('counting', { events: {} }), { migrations: migration('') })
  const subscription = counting.subscribe('stock', { from: 'start' })
  for (const type of Object.values(Many))
    subscription.on(type, async (tx, { data }) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n}) on conflict (item) do update set n = n + excluded.n`
    })
  const { result, ms } = await timed(() => check(counting).run())
  return ms / result.pairs
}

async function usPerDelivery(rows: number): Promise<number> {
  const filled = `insert into stock select 'row ' || n, n from (with recursive up (n) as (select 1 union all select n + 1 from up where n < ${rows}) select n from up);`
  const counting = service(contract('counting', { events: {} }), { migrations: migration(filled) })
  counting.subscribe('stock', { from: 'start' }).on(Source.counted, async (tx, { data }) => {
    await tx.sql`update stock set n = n + ${data.n} where item = ${data.item}`
  })
  const checked = check(counting)
  // What is made once, the store among it, is not what a delivery costs.
  const once = await timed(() => simulate(counting, { first: [[Source.counted, { item: 'a', n: 1 }]] }))
  const { result, ms } = await timed(() => checked.run())
  return (1_000 * Math.max(0, ms - once.ms)) / result.deliveries
}

function migration(more: string) {
  const sql = `create table stock (item text primary key, n integer not null); ${more}`
  return [{ number: 1, name: 'stock', additive: true, sql }]
}
