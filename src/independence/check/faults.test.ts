import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HandleContext, Sql } from '../../flow/handler.ts'
import { book, cellOf, Desk, reportOn } from './fixture.ts'
import type { Level } from './levels.ts'
import type { Report } from './report.ts'

const stock = 'create table stock (item text primary key, n integer not null)'
const log = 'create table log (event text primary key, what text not null)'

/** The verdict of one direction: something goes wrong with a. */
function said(report: Report, level: Level, a = 'desk.counted', b = a): string {
  return report.cells.find((cell) => cell.level === level && cell.a === a && cell.b === b)?.verdict ?? 'no cell'
}

function put(tx: HandleContext, item: string, n: number) {
  return tx.sql`insert into stock (item, n) values (${item}, ${n}) on conflict (item) do update set n = excluded.n`
}

describe('what a process remembers', () => {
  test('a count in memory survives neither a failure nor another delivery, and the example says at which step', async () => {
    const app = book(stock)
    const counts = app.memory(() => new Map<string, number>())
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      const n = (counts().get(data.item) ?? 0) + 1
      counts().set(data.item, n)
      await put(tx, data.item, n)
    })
    const report = await reportOn(app)
    assert.deepEqual(report.troubles, [])
    assert.equal(said(report, 'isolated'), 'dependent')
    assert.equal(said(report, 'redelivery'), 'dependent')
    const steps = report.examples.flatMap(({ level, schedules }) => (level === 'isolated' ? schedules[1] : []))
    assert.match(steps.join('\n'), /^desk\.counted fails in handle, at operation 1 of 1/)
  })

  test('in the store it survives both', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, 1) on conflict (item) do update set n = n + 1`
    })
    const report = await reportOn(app)
    for (const level of ['isolated', 'redelivery'] as const) assert.equal(said(report, level), 'independent')
  })

  test('a flag that only a success takes back disturbs others; a crash takes it back as well', async () => {
    const app = book(log)
    const state = app.memory(() => ({ busy: false }))
    app.subscribe('log', { from: 'start' }).on(Desk.opened, async (tx, { id }) => {
      if (state().busy) throw new Error('busy')
      state().busy = true
      await tx.sql`insert into log (event, what) values (${id}, 'opened') on conflict do nothing`
      state().busy = false
    })
    const report = await reportOn(app)
    assert.equal(said(report, 'isolated', 'desk.opened'), 'dependent')
    assert.equal(said(report, 'redelivery', 'desk.opened'), 'independent')
  })

  test('taken back whatever happens, it disturbs nobody', async () => {
    const app = book(log)
    const state = app.memory(() => ({ busy: false }))
    app.subscribe('log', { from: 'start' }).on(Desk.opened, async (tx, { id }) => {
      if (state().busy) throw new Error('busy')
      state().busy = true
      try {
        await tx.sql`insert into log (event, what) values (${id}, 'opened')`
      } finally {
        state().busy = false
      }
    })
    const report = await reportOn(app)
    for (const level of ['commuting', 'isolated', 'redelivery'] as const)
      assert.equal(said(report, level, 'desk.opened'), 'independent', level)
  })

  test('what is remembered of the event alone changes nothing', async () => {
    const app = book(stock)
    const lengths = app.memory(() => new Map<string, number>())
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      const n = lengths().get(data.item) ?? data.item.length
      lengths().set(data.item, n)
      await put(tx, data.item, n)
    })
    const report = await reportOn(app)
    for (const level of ['commuting', 'isolated', 'redelivery'] as const)
      assert.equal(said(report, level), 'independent', level)
  })

  test('each direction has a verdict of its own', async () => {
    const app = book(`${stock}; ${log}`)
    const prices = app.memory(() => new Map<string, number>())
    app
      .subscribe('prices', { from: 'start' })
      .on(Desk.priced, async (tx, { data }) => {
        prices().set(data.item, data.price)
        await put(tx, data.item, data.price)
      })
      .on(Desk.counted, async (tx, { id, data }) => {
        const [row] = await tx.sql<{ n: number }>`select n from stock where item = ${data.item}`
        const price = prices().get(data.item) ?? row?.n ?? 0
        await tx.sql`insert into log (event, what) values (${id}, ${String(price)})`
      })
    const report = await reportOn(app)
    assert.equal(said(report, 'isolated', 'desk.priced', 'desk.counted'), 'dependent')
    assert.equal(said(report, 'isolated', 'desk.counted', 'desk.priced'), 'independent')
  })

  test('two processes remember apart: each counts for itself, and writes over the other', async () => {
    const app = book(stock)
    const count = app.memory(() => ({ n: 0 }))
    app.subscribe('stock', { from: 'start' }).on(Desk.opened, async (tx) => {
      count().n++
      await put(tx, 'all', count().n)
    })
    const report = await reportOn(app)
    assert.equal(cellOf(report, 'desk.opened', 'desk.opened').verdict, 'dependent')
  })

  test('a cache filled with what was replaced meanwhile is a race, and shows in what comes after', async () => {
    const caching = (late: boolean) => {
      const app = book(`${stock}; ${log}`)
      const prices = app.memory(() => new Map<string, number>())
      const stored = async (sql: Sql, item: string): Promise<number> =>
        (await sql<{ n: number }>`select n from stock where item = ${item}`)[0]?.n ?? 0
      app
        .subscribe('bills', { from: 'start' })
        .on(Desk.priced, async (tx, { data }) => {
          prices().delete(data.item)
          await put(tx, data.item, data.price)
        })
        .on(Desk.counted, {
          prepare: async (ctx, { data }) => {
            const price = (late ? prices().get(data.item) : undefined) ?? (await stored(ctx.sql, data.item))
            prices().set(data.item, price)
            return price
          },
          handle: async (tx, { id }, price) => {
            await tx.sql`insert into log (event, what) values (${id}, ${String(price)})`
          },
        })
      return app
    }
    const said = async (late: boolean) =>
      cellOf(await reportOn(caching(late)), 'desk.counted', 'desk.priced', 'race-free').verdict
    assert.equal(await said(true), 'dependent')
    assert.equal(await said(false), 'independent')
  })

  test('what cannot be had back later is named, and nothing is said', async () => {
    class Counter {
      n = 0
    }
    const app = book(stock)
    const counter = app.memory(() => ({ of: new Counter() }))
    app.subscribe('stock', { from: 'start' }).on(Desk.opened, async (tx) => {
      await put(tx, 'all', counter().of === undefined ? 0 : 1)
    })
    const report = await reportOn(app)
    assert.equal(said(report, 'commuting', 'desk.opened'), 'withheld')
    assert.match(report.troubles[0]?.what ?? '', /cannot be had back later \(an object of Counter\)/)
  })
})

describe('the world outside', () => {
  const charging = (how: 'once' | 'outside') => {
    const app = book(log)
    app.on(Desk.opened, {
      name: 'charge',
      from: 'start',
      prepare: (ctx) => ctx[how]('charge', async () => 'real'),
      handle: async (tx, { id }, receipt) => {
        await tx.sql`insert into log (event, what) values (${id}, ${receipt})`
      },
    })
    return app
  }
  const outside = { charge: { answer: () => 'paid', effect: true } } as const

  test('an effect without a key is done again by the try after a crash', async () => {
    const report = await reportOn(charging('outside'), { outside })
    assert.equal(said(report, 'redelivery', 'desk.opened'), 'dependent')
    const example = report.examples.find(({ level }) => level === 'redelivery')
    assert.match(example?.schedules[1][0] ?? '', /is lost in a crash|is prepared, and late/)
    assert.deepEqual(example?.outside, [['desk.opened charge ×1'], ['desk.opened charge ×2']])
  })

  test('under a key it is done once, and a question may be asked as often as one likes', async () => {
    for (const report of [
      await reportOn(charging('once'), { outside }),
      await reportOn(charging('outside'), { outside: { charge: () => 'paid' } }),
    ])
      for (const level of ['isolated', 'redelivery'] as const)
        assert.equal(said(report, level, 'desk.opened'), 'independent', level)
  })
})
