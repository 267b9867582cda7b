import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { call } from '../../call.ts'
import { contract, event } from '../../contract.ts'
import type { CallContext, CallRequest } from '../../flow/handler.ts'
import { type DurableCallOptions, type ServeOptions, type Service, service } from '../../service.ts'
import { check } from './check.ts'
import { cellOf, Desk, migration } from './fixture.ts'
import type { Report } from './report.ts'

const Line = z.object({ item: z.string(), n: z.int().min(1).max(3) })
const Left = z.object({ left: z.int() })

const Stock = contract('stock', {
  events: { changed: event({ data: z.object({ item: z.string() }), key: (d) => d.item }) },
  calls: {
    reserve: call({ input: Line, output: Left, errors: { soldOut: { data: Left } }, senders: ['sales'] }),
    restock: call({ input: Line, output: Left }),
    count: call({ input: Line, output: Left, idempotent: true }),
    left: call({ input: z.object({ item: z.string() }), output: Left, http: 'GET /stock/{item}' }),
  },
})

const Sales = contract('sales', {
  events: { sold: event({ data: z.object({ order: z.string(), left: z.int() }), key: (d) => d.order }) },
})

const Door = z.object({ id: z.string() })
const Doors = contract('doors', {
  events: {},
  calls: {
    open: call({ input: Door, output: z.object({}), idempotent: true }),
    close: call({ input: Door, output: z.object({}), idempotent: true }),
  },
})

const table = 'create table stock (item text primary key, n integer not null)'

/** How a stock counts, and whether it looks before it gives. */
function stockOf({ guarded = true } = {}): Service<'stock'> {
  const self = service(Stock, { migrations: migration(table) })
  self.serve(Stock.reserve, async (tx, { input: { item, n } }) => {
    await tx.sql`insert into stock (item, n) values (${item}, 4) on conflict (item) do nothing`
    const [row] = await tx.sql<{ n: number }>`update stock set n = n - ${n} where item = ${item} returning n`
    const left = row?.n ?? 0
    if (guarded && left < 0) throw Stock.reserve.refuse('soldOut', { left: left + n })
    await tx.publish(Stock.changed, { item })
    return { left }
  })
  self.serve(Stock.restock, async (tx, { input: { item, n } }) => {
    const [row] = await tx.sql<{ n: number }>`insert into stock (item, n) values (${item}, ${n})
      on conflict (item) do update set n = stock.n + excluded.n returning n`
    return { left: row?.n ?? 0 }
  })
  self.serve(Stock.count, async (tx, { input: { item, n } }) => {
    await tx.sql`insert into stock (item, n) values (${item}, ${n}) on conflict (item) do update set n = excluded.n`
    return { left: n }
  })
  return self.serve(Stock.left, async (tx, { input }) => {
    const [row] = await tx.sql<{ n: number }>`select n from stock where item = ${input.item}`
    return { left: row?.n ?? 0 }
  })
}

const sale = 'create table sale (id text primary key, order_id text not null, left_over integer)'

/** Sells one of an item for each order that is opened; the rest of it goes with the sale, or not. */
function salesOf(keep: 'left' | 'none' = 'none'): Service<'sales'> {
  const self = service(Sales, { migrations: migration(sale), calls: [Stock] })
  self.on(Desk.opened, {
    name: 'sell',
    from: 'start',
    prepare: (ctx) =>
      ctx.call(Stock.reserve, { item: 'tea', n: 1 }).catch((error: unknown) => {
        if (Stock.reserve.refused(error, 'soldOut')) return error.data
        throw error
      }),
    handle: async (tx, { data, id }, { left }) => {
      await tx.sql`insert into sale (id, order_id, left_over) values (${id}, ${data.order}, ${keep === 'left' ? left : null})`
    },
  })
  return self
}

/** Tries the pairs of one service that are about these types. */
const run = (services: readonly Service[], [service, ...types]: readonly string[], options = {}): Promise<Report> =>
  check(services, options).run({
    seed: 3,
    name: 'test',
    leaveOut: (pair) =>
      pair.service === service && types.includes(pair.a) && types.includes(pair.b) ? undefined : 'not asked',
  })

const orders = ['sales', 'desk.opened'] as const

describe('calls that change something', () => {
  test('stand beside events: those that add up commute, one that assigns does not', async () => {
    const report = await run([stockOf()], ['stock', 'stock.restock', 'stock.count', 'stock.left'])
    assert.equal(cellOf(report, 'stock.restock', 'stock.restock').verdict, 'independent')
    const cell = cellOf(report, 'stock.restock', 'stock.count')
    assert.deepEqual([cell.verdict, cell.reachable], ['dependent', true])
    const example = report.examples.find(({ number }) => number === cell.example)
    assert.match(JSON.stringify(example?.rows), /stock\[\w+\]\.n/)
    assert.throws(() => cellOf(report, 'stock.left', 'stock.left'), /no cell/)
  })

  test('depend on one another where their order says which of them is refused', async () => {
    const report = await run([stockOf()], ['stock', 'stock.reserve'])
    const cell = cellOf(report, 'stock.reserve', 'stock.reserve')
    assert.equal(cell.verdict, 'dependent')
    const example = report.examples.find(({ number }) => number === cell.example)
    assert.deepEqual(report.troubles, [])
    assert.ok(example)
  })

  test('may be said to depend on one another', async () => {
    const self = service(Doors, {
      migrations: migration('create table door (id text primary key, open integer not null)'),
    })
    const put =
      (open: number) =>
      async (tx: CallContext<'doors'>, { input }: CallRequest<{ id: string }>) => {
        await tx.sql`insert into door (id, open) values (${input.id}, ${open}) on conflict (id) do update set open = ${open}`
        return {}
      }
    self.serve(Doors.open, put(1), { dependsOn: [[Doors.close, 'the later one counts']] }).serve(Doors.close, put(0))
    const report = await run([self], ['doors', 'doors.open', 'doors.close'])
    assert.equal(cellOf(report, 'doors.open', 'doors.close').verdict, 'declared')
    assert.deepEqual(report.problems, [])
  })
})

describe('a call in prepare', () => {
  const notBelow = {
    invariants: { notBelow: (s: { stock: { sql: unknown } }) => (s.stock.sql as Sql)`select 1 from stock where n < 0` },
  }
  type Sql = (template: TemplateStringsArray, ...values: unknown[]) => Promise<unknown[]>

  test('runs its service on its own store, once for each event whatever goes wrong with that', async () => {
    const report = await run([stockOf(), salesOf()], orders, notBelow)
    assert.deepEqual([report.troubles, report.problems], [[], []])
    for (const level of ['commuting', 'race-free', 'isolated', 'redelivery', 'invariant'] as const) {
      const cell = cellOf(report, 'desk.opened', 'desk.opened', level)
      assert.equal(cell.verdict, 'independent', `${level}: ${JSON.stringify(report.examples)}`)
    }
    assert.ok(cellOf(report, 'desk.opened', 'desk.opened').touched >= 40, 'they meet in the store that both call')
  })

  test('is as guarded as its service is', async () => {
    const report = await run([stockOf({ guarded: false }), salesOf()], orders, notBelow)
    assert.equal(cellOf(report, 'desk.opened', 'desk.opened', 'invariant').verdict, 'dependent')
  })

  test('makes two events depend on one another that keep what each was answered', async () => {
    const report = await run([stockOf(), salesOf('left')], orders)
    const cell = cellOf(report, 'desk.opened', 'desk.opened')
    assert.equal(cell.verdict, 'dependent')
    const example = report.examples.find(({ number }) => number === cell.example)
    assert.match(JSON.stringify(example?.rows), /left_over/)
  })

  test('is answered from the schema of its output where its service is not checked, or as it is said to be', async () => {
    const [made, said] = [
      await run([salesOf('left')], orders),
      await run([salesOf('left')], orders, { outside: { 'stock.reserve': () => ({ left: 7 }) } }),
    ]
    for (const report of [made, said]) {
      assert.deepEqual([report.troubles, report.problems], [[], []])
      assert.equal(cellOf(report, 'desk.opened', 'desk.opened').verdict, 'independent')
    }
  })
})

test('what comes of two events with two steps is on its way after them, and no race', async () => {
  const sales = service(Sales, { migrations: migration(sale) })
  sales.on(Desk.opened, {
    name: 'sell',
    from: 'start',
    prepare: () => 1,
    handle: async (tx, { data }, left) => void (await tx.publish(Sales.sold, { order: data.order, left })),
  })
  sales.on(Sales.sold, { name: 'note', from: 'start' }, async (tx, { id, data }) => {
    await tx.sql`insert into sale (id, order_id, left_over) values (${id}, ${data.order}, ${data.left})`
  })
  assert.equal(cellOf(await run([sales], orders), 'desk.opened', 'desk.opened', 'race-free').verdict, 'independent')
})

test('a call that is sent is handled by its service, and its reply by the sender', async () => {
  const sender = service(Sales, { migrations: migration(sale) })
  sender.on(Desk.opened, { name: 'sell', from: 'start' }, async (tx, { data }) => {
    await tx.send(Stock.reserve, { item: 'tea', n: 1 }, { key: data.order })
  })
  sender.onReply(Stock.reserve, { name: 'reserved', from: 'start' }, async (tx, reply) => {
    const { kind } = reply.data
    await tx.sql`insert into sale (id, order_id, left_over) values (${reply.id}, ${reply.key}, ${kind === 'answered' ? 1 : 0})`
  })
  const pairs = ['sales', 'desk.opened', 'stock.reserve__reply']
  const report = await run([stockOf(), sender], pairs)
  assert.deepEqual([report.troubles, report.problems], [[], []])
  assert.equal(cellOf(report, 'desk.opened', 'desk.opened').verdict, 'independent')
  assert.equal(cellOf(report, 'stock.reserve__reply', 'stock.reserve__reply').verdict, 'independent')
  const asked = await run([stockOf(), sender], ['stock', 'sales.stock__reserve'])
  const cell = cellOf(asked, 'sales.stock__reserve', 'sales.stock__reserve')
  assert.deepEqual([cell.verdict, cell.reachable], ['dependent', true])
})

describe('calls that are sent', () => {
  const Odd = z.object({ word: z.string().refine((text) => text === 'sesame') })
  const senders = ['porter'] as const
  const Gate = contract('gate', {
    events: {},
    calls: {
      open: call({ input: Door, output: z.object({}), errors: { stuck: {} }, senders }),
      close: call({ input: Door, output: z.object({}), senders }),
      speak: call({ input: Odd, output: z.object({}), senders }),
    },
  })
  const reply = 'gate.open__reply'
  const requests = ['gate', 'porter.gate__open', 'porter.gate__close'] as const

  function gate(durableCalls: DurableCallOptions, serving: ServeOptions = {}): Service<'gate'> {
    const sql = 'create table gate (id text primary key, open integer not null)'
    const self = service(Gate, { migrations: migration(sql), durableCalls })
    const put =
      (open: number) =>
      async (tx: CallContext<'gate'>, { input }: CallRequest<{ id: string }>) => {
        await tx.sql`insert into gate (id, open) values (${input.id}, ${open}) on conflict (id) do update set open = ${open}`
        return {}
      }
    return self
      .serve(Gate.open, put(1), serving)
      .serve(Gate.close, put(0))
      .serve(Gate.speak, () => ({}))
  }

  /** Keeps the key of the last reply, of any kind or of one. */
  function porter(of?: string, options: ServeOptions = {}): Service<'porter'> {
    const last = 'create table last (id integer primary key, key text not null)'
    const self = service(contract('porter', { events: {} }), { migrations: migration(last) })
    self.subscribe('told', { from: 'start', order: 'key' }).on(Desk.opened, async (tx, { data }) => {
      await tx.send(Gate.open, { id: data.order })
      await tx.send(Gate.close, { id: data.order })
    })
    return self.onReply(
      Gate.open,
      { ...options, name: 'opened', from: 'start', order: 'key' },
      async (tx, { key, data }) => {
        if (of !== undefined && data.kind !== of) return
        await tx.sql`insert into last (id, key) values (1, ${key}) on conflict (id) do update set key = excluded.key`
      },
    )
  }

  const cellsOf = async (services: readonly Service[], ...given: Parameters<typeof run>[2][]) => {
    const report = await run(services, requests, ...given)
    const { verdict, reachable, example } = cellOf(report, requests[1], requests[2])
    const found = report.examples.find(({ number }) => number === example)
    for (const step of found?.schedules[0] ?? []) assert.match(step, /^porter\.gate__\w+ of '\w' \{"id":"\w"\}$/)
    return [verdict, reachable]
  }

  test('may overtake each other, unless their service takes them in the order of their keys', async () => {
    assert.deepEqual(await cellsOf([gate({}), porter()]), ['dependent', true])
    const [, reachable] = await cellsOf([gate({ order: 'key' }), porter()])
    assert.equal(reachable, false)
  })

  test('have any key where their sender is not checked, and any reply where their service is not', async () => {
    for (const order of ['none', 'key'] as const)
      assert.deepEqual(await cellsOf([gate({ order })]), ['dependent', true])
    for (const kind of ['answered', 'refused', 'invalid', undefined]) {
      const report = await run([porter(kind)], ['porter', reply])
      const { verdict, reachable, example } = cellOf(report, reply, reply)
      assert.deepEqual([verdict, reachable], ['dependent', true], `replies that are ${kind}`)
      const found = report.examples.find(({ number }) => number === example)
      const made = new RegExp(
        `^gate.open__reply of '\\w' .*"to":"porter","kind":"${kind ?? '(answered|refused|invalid)'}"`,
      )
      for (const step of found?.schedules[0] ?? ['']) assert.match(step, made, 'made small it is a reply still')
    }
  })

  test('are meant where a declaration, a claim or a generator names the call', async () => {
    const dependsOn = [[Gate.close, 'the later one counts']] as const
    assert.deepEqual(await cellsOf([gate({}, { dependsOn }), porter()]), ['declared', true])
    assert.deepEqual(await cellsOf([gate({ dependsOn }), porter()]), ['declared', true])
    const declared = await run(
      [porter('answered', { dependsOn: [[Gate.open, 'the last one counts']] })],
      [...['porter', 'desk.opened', reply]],
    )
    assert.deepEqual([cellOf(declared, reply, reply).verdict, declared.problems], ['declared', []])
    const speaks = ['gate', 'porter.gate__speak']
    const unmade = await run([gate({})], speaks)
    const problem = unmade.problems.find((text) => text.startsWith('porter.gate__speak: '))
    assert.match(problem ?? '', /supply a generator: generate: \[\[gate\.speak, /)
    const { problems, claims } = await run([gate({})], speaks, {
      generate: [[Gate.speak, () => ({ word: 'sesame' })]],
      claims: [['republication', Gate.speak]],
    })
    assert.deepEqual(problems, [])
    assert.deepEqual(
      claims.map(({ event }) => event),
      ['porter.gate__speak', 'gate.speak'],
    )
    const served = await run([gate({}, { claims: ['republication'] })], speaks)
    assert.deepEqual(
      served.claims.map(({ event }) => event),
      ['porter.gate__open', 'gate.open'],
    )
  })
})
