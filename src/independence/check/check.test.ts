import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { contract, event } from '../../contract.ts'
import type { Sql } from '../../flow/handler.ts'
import { service } from '../../service.ts'
import { check } from './check.ts'
import { Book, book, cellOf, Desk, migration, reportOn } from './fixture.ts'
import type { Stores } from './invariants.ts'
import { isFailure } from './report.ts'

const orders = 'create table orders (id text primary key, status text not null)'
const stock = 'create table stock (item text primary key, n integer not null)'

describe('commuting', () => {
  test('additions to one row commute, and the report says how many trials met in a row', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n}) on conflict (item) do update set n = n + excluded.n`
    })
    const cell = cellOf(await reportOn(app), 'desk.counted', 'desk.counted')
    assert.equal(cell.verdict, 'independent')
    assert.ok(cell.touched >= 40, `${cell.touched} trials touched`)
  })

  test('an assignment where an addition is meant is found, and made small', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n}) on conflict (item) do update set n = excluded.n`
    })
    const report = await reportOn(app)
    const cell = cellOf(report, 'desk.counted', 'desk.counted')
    assert.equal(cell.verdict, 'dependent')
    assert.ok(cell.reachable && isFailure(cell, { strict: false, claims: [] }))
    const example = report.examples.find(({ number }) => number === cell.example)
    assert.deepEqual(example?.before, [])
    assert.deepEqual(
      example?.rows.map(({ what }) => what),
      ['stock[a].n'],
    )
  })

  test('a cancellation that overtakes its order is found, with the line of the first read that differs', async () => {
    const app = book(orders)
    app
      .subscribe('orders', { from: 'start' })
      .on(Desk.opened, async (tx, { data }) => {
        await tx.sql`insert into orders (id, status) values (${data.order}, 'open') on conflict (id) do nothing`
      })
      .on(Desk.closed, async (tx, { data }) => {
        const rows = await tx.sql`update orders set status = 'closed' where id = ${data.order} returning id`
        if (rows.length > 0) await tx.publish(Book.said, { order: data.order, what: 'closed' })
      })
    const report = await reportOn(app)
    const cell = cellOf(report, 'desk.opened', 'desk.closed')
    assert.equal(cell.verdict, 'dependent')
    const example = report.examples.find(({ number }) => number === cell.example)
    assert.match(example?.firstRead?.site ?? '', /check\.test\.ts:\d+$/)
    assert.deepEqual(example?.rows, [{ what: 'orders[a].status', left: 'closed', right: 'open' }])
    assert.deepEqual(example?.emitted, [['book.said a {"order":"a","what":"closed"}'], []])
    assert.equal(cellOf(report, 'desk.opened', 'desk.opened').verdict, 'independent')
  })

  test('with a tombstone it is not', async () => {
    const app = book(orders)
    app
      .subscribe('orders', { from: 'start' })
      .on(Desk.opened, async (tx, { data }) => {
        await tx.sql`insert into orders (id, status) values (${data.order}, 'open') on conflict (id) do nothing`
      })
      .on(Desk.closed, async (tx, { data }) => {
        await tx.sql`insert into orders (id, status) values (${data.order}, 'closed')
          on conflict (id) do update set status = 'closed'`
      })
    assert.equal(cellOf(await reportOn(app), 'desk.opened', 'desk.closed').verdict, 'independent')
  })

  test('what fails until its predecessor came, and is tried again then, commutes', async () => {
    const app = book(orders)
    app
      .subscribe('orders', { from: 'start' })
      .on(Desk.opened, async (tx, { data }) => {
        await tx.sql`insert into orders (id, status) values (${data.order}, 'open') on conflict (id) do nothing`
      })
      .on(Desk.closed, async (tx, { data }) => {
        const { changes } = await tx.sql`update orders set status = 'closed' where id = ${data.order}`
        if (changes === 0) throw new Error('not there yet')
      })
    const cell = cellOf(await reportOn(app), 'desk.opened', 'desk.closed')
    assert.equal(cell.verdict, 'independent')
  })

  test('who came first and shuts the other out for good decides what is there', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n})`
    })
    const cell = cellOf(await reportOn(app), 'desk.counted', 'desk.counted')
    assert.equal(cell.verdict, 'dependent')
    assert.ok(isFailure(cell, { strict: false, claims: [] }))
  })

  test('of a handler that fails whatever it is given nothing is said', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, ${null})`
    })
    assert.equal(cellOf(await reportOn(app), 'desk.counted', 'desk.counted').verdict, 'withheld')
  })

  test('handlers without a table in common are independent, and so are those that only add rows nobody makes unique', async () => {
    const app = book('create table a (x text); create table b (event text primary key, x text)')
    app
      .subscribe('all', { from: 'start' })
      .on(Desk.opened, async (tx, { data }) => void (await tx.sql`insert into a (x) values (${data.order})`))
      .on(Desk.closed, async (tx, event) => {
        await tx.sql`insert into b (event, x) values (${event.id}, ${event.data.order})`
      })
    const report = await reportOn(app)
    for (const [a, b] of [
      ['opened', 'opened'],
      ['opened', 'closed'],
      ['closed', 'closed'],
    ])
      assert.equal(cellOf(report, `desk.${a}`, `desk.${b}`).verdict, 'independent')
  })

  test('events that never meet are not exercised: nothing is claimed about them', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      await tx.sql`update stock set n = ${data.n} where item = ${data.item}`
    })
    const cell = cellOf(await reportOn(app), 'desk.counted', 'desk.counted')
    assert.equal(cell.verdict, 'not exercised')
    assert.equal(cell.example, null)
  })

  test('order by key hides what order alone keeps right, and it is shown as if unordered', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start', order: 'key' }).on(Desk.counted, async (tx, { data }) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n}) on conflict (item) do update set n = excluded.n`
    })
    const report = await reportOn(app)
    assert.equal(cellOf(report, 'desk.counted', 'desk.counted').verdict, 'independent')
    assert.equal(cellOf(report, 'desk.counted', 'desk.counted', 'commuting', 'unordered').verdict, 'dependent')
  })
})

test('conflict-free means no common row, whichever columns are changed in it and whatever order is asked for', async () => {
  const app = book(
    "create table item (item text primary key, n integer, price integer); insert into item (item) values ('a')",
  )
  app
    .subscribe('item', { from: 'start', order: 'key' })
    .on(
      Desk.counted,
      async (tx, { data }) => void (await tx.sql`update item set n = ${data.n} where item = ${data.item}`),
    )
    .on(Desk.priced, async (tx, { data }) => {
      await tx.sql`update item set price = ${data.price} where item = ${data.item}`
    })
  const report = await reportOn(app)
  assert.equal(cellOf(report, 'desk.counted', 'desk.priced').verdict, 'independent')
  assert.equal(cellOf(report, 'desk.counted', 'desk.priced', 'conflict-free').verdict, 'dependent')
  assert.equal(cellOf(report, 'desk.counted', 'desk.counted', 'conflict-free').verdict, 'dependent')
})

describe('what is declared', () => {
  const lastWins = (dependsOn: boolean) => {
    const app = book(stock)
    app.on(
      Desk.priced,
      { name: 'price', from: 'start', ...(dependsOn && { dependsOn: [[Desk.priced, 'the last one wins']] as const }) },
      async (tx, { data }) => {
        await tx.sql`insert into stock (item, n) values (${data.item}, ${data.price}) on conflict (item) do update set n = excluded.n`
      },
    )
    return app
  }

  test('a declared dependence is no failure', async () => {
    assert.equal(cellOf(await reportOn(lastWins(false)), 'desk.priced', 'desk.priced').verdict, 'dependent')
    const report = await reportOn(lastWins(true))
    assert.equal(cellOf(report, 'desk.priced', 'desk.priced').verdict, 'declared')
    assert.deepEqual(report.problems, [])
  })

  test('a declaration that nothing bears out is named', async () => {
    const app = book(stock)
    app.on(
      Desk.priced,
      { name: 'price', from: 'start', dependsOn: [[Desk.counted, 'I think']] },
      async (tx, { data }) => {
        await tx.sql`insert into stock (item, n) values (${data.item}, 1) on conflict do nothing`
      },
    )
    const { problems } = await reportOn(app)
    assert.match(problems.join(), /book\/price: dependsOn desk\.counted \('I think'\) is not borne out/)
  })

  test('an opaque column that no service has is a problem, with the nearest one', async () => {
    const app = book(stock)
    const { problems } = await reportOn(app, { opaque: ['stock.m', 'buk.stock.n', 'Stock.N', 'book.stock.item'] })
    assert.deepEqual(problems, [
      "opaque: no service has a column stock.m; the nearest is 'stock.n'",
      "opaque: no service has a column buk.stock.n; the nearest is 'book.stock.n'",
    ])
  })

  test('an opaque column may differ', async () => {
    const app = book('create table seen (item text primary key, at text not null)')
    app.subscribe('seen', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      await tx.sql`insert into seen (item, at) values (${data.item}, ${tx.now()}) on conflict (item) do update set at = excluded.at`
    })
    assert.equal(cellOf(await reportOn(app), 'desk.counted', 'desk.counted').verdict, 'dependent')
    const report = await reportOn(app, { opaque: ['seen.at'] })
    assert.equal(cellOf(report, 'desk.counted', 'desk.counted').verdict, 'independent')
  })

  test('a type that comes once for each key is not tried twice with one', async () => {
    const Once = contract('once', {
      events: { made: event({ data: z.object({ item: z.string(), n: z.int() }), key: (d) => d.item, once: 'key' }) },
    })
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Once.made, async (tx, { data }) => {
      await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n}) on conflict (item) do update set n = excluded.n`
    })
    const cell = cellOf(await reportOn(app), 'once.made', 'once.made')
    assert.notEqual(cell.verdict, 'dependent')
  })

  test('nor one that is known by several fields twice with the same, also where the example is made small', async () => {
    const priced = z.object({ item: z.string(), version: z.int(), price: z.int() })
    const highestWins = (once?: readonly ['item', 'version']) => {
      const Prices = contract('prices', {
        events: { set: event({ data: priced, key: (d) => d.item, ...(once && { once }) }) },
      })
      const app = book('create table price (item text primary key, version integer not null, price integer not null)')
      app.subscribe('price', { from: 'start' }).on(Prices.set, async (tx, { data }) => {
        await tx.sql`insert into price (item, version, price) values (${data.item}, ${data.version}, ${data.price})
          on conflict (item) do update set version = excluded.version, price = excluded.price
          where excluded.version > price.version`
      })
      return app
    }
    assert.equal(cellOf(await reportOn(highestWins()), 'prices.set', 'prices.set').verdict, 'dependent')
    const known = cellOf(await reportOn(highestWins(['item', 'version'])), 'prices.set', 'prices.set')
    assert.equal(known.verdict, 'independent')
    assert.ok(known.touched >= 40, `${known.touched} trials touched`)
  })
})

test('events are about rows that are there, those that migrations put there included', async () => {
  const app = book(`${stock}; insert into stock values ('north', 1), ('south', 2)`)
  app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
    await tx.sql`update stock set n = ${data.n} where item = ${data.item}`
  })
  assert.equal(cellOf(await reportOn(app), 'desk.counted', 'desk.counted').verdict, 'dependent')
})

test('fields draw from the values that somebody named for them', async () => {
  const seen = new Set<string>()
  const app = book(stock)
  app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
    seen.add(data.item)
    await tx.sql`update stock set n = ${data.n} where item = ${data.item}`
  })
  await reportOn(app, { values: { item: ['tea', 'mug'] } })
  assert.deepEqual([...seen].sort(), ['mug', 'tea'])
})

test('an invariant that an order breaks is found, though both orders come to the same', async () => {
  const app = book('create table seat (guest text not null)')
  app.subscribe('seats', { from: 'start' }).on(Desk.opened, async (tx, { data }) => {
    await tx.sql`insert into seat (guest) values (${data.order})`
  })
  const twice = (s: Stores) => s.book.sql`select guest from seat group by guest having count(*) > 1`
  const report = await reportOn(app, { invariants: { twice } })
  assert.equal(cellOf(report, 'desk.opened', 'desk.opened').verdict, 'independent')
  const cell = cellOf(report, 'desk.opened', 'desk.opened', 'invariant')
  assert.equal(cell.verdict, 'dependent')
  assert.ok(isFailure(cell, { strict: false, claims: [] }))
  const example = report.examples.find(({ number }) => number === cell.example)
  const { problems } = await reportOn(app, { invariants: { odd: (s: Stores) => s.boook.sql`select 1` } })
  assert.match(problems.join(), /invariant 'odd' cannot be asked: .*; the services are book/)
  assert.equal(example?.schedules[1].at(-1), "breaks the invariant 'twice'")
})

describe('two steps', () => {
  const stale = (versioned: boolean) => {
    const app = book('create table stock (item text primary key, n integer not null, version integer not null)')
    app.on(Desk.counted, {
      name: 'count',
      from: 'start',
      prepare: async (ctx, { data }) => {
        const [row] = await ctx.sql<{
          n: number
          version: number
        }>`select n, version from stock where item = ${data.item}`
        return row ?? { n: 0, version: 0 }
      },
      handle: async (tx, { data }, was) => {
        const n = was.n + data.n
        if (versioned && was.version > 0)
          await tx.versioned`update stock set n = ${n}, version = version + 1 where item = ${data.item} and version = ${was.version}`
        else if (versioned)
          await tx.versioned`insert into stock (item, n, version) values (${data.item}, ${n}, 1) on conflict do nothing`
        else
          await tx.sql`insert into stock (item, n, version) values (${data.item}, ${n}, 1) on conflict (item) do update set n = excluded.n`
      },
    })
    return app
  }

  test('what was read before another one wrote is a race, though the two commute', async () => {
    const report = await reportOn(stale(false))
    assert.equal(cellOf(report, 'desk.counted', 'desk.counted').verdict, 'independent')
    const race = cellOf(report, 'desk.counted', 'desk.counted', 'race-free')
    assert.equal(race.verdict, 'dependent')
    const example = report.examples.find(({ number }) => number === race.example)
    const steps = example?.schedules[1].map((step) => step.split(' ').slice(0, 2).join(' ')) ?? []
    assert.deepEqual(steps.slice(0, 2).sort(), ['a prepares', 'b prepares'])
    assert.deepEqual(steps.slice(2).sort(), ['a handles', 'b handles'])
  })

  test('what was read in two looks, with a change in between, is a race; read on one snapshot it is none', async () => {
    const skewed = (one: boolean) => {
      const app = book(`create table rate (kind text primary key, n integer not null);
        create table bill (event text primary key, net integer not null, tax integer not null);
        insert into rate values ('net', 10), ('tax', 1)`)
      const read = async (sql: Sql, kind: string): Promise<number> =>
        (await sql<{ n: number }>`select n from rate where kind = ${kind}`)[0]?.n ?? 0
      app.on(Desk.opened, {
        name: 'bill',
        from: 'start',
        prepare: (ctx) => {
          const both = async (sql: Sql) => ({ net: await read(sql, 'net'), tax: await read(sql, 'tax') })
          return one ? ctx.snapshot(({ sql }) => both(sql)) : both(ctx.sql)
        },
        handle: async (tx, { id }, { net, tax }) => {
          await tx.sql`insert into bill (event, net, tax) values (${id}, ${net}, ${tax})`
        },
      })
      app.subscribe('rate', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
        await tx.sql`update rate set n = ${data.n} * 10 where kind = 'net'`
        await tx.sql`update rate set n = ${data.n} where kind = 'tax'`
      })
      return app
    }
    const tenth = (s: Stores) => s.book.sql`select 1 from bill where net <> tax * 10`
    for (const one of [false, true]) {
      const report = await reportOn(skewed(one), { invariants: { tenth } })
      for (const level of ['race-free', 'invariant'] as const) {
        const cell = cellOf(report, 'desk.opened', 'desk.counted', level)
        assert.equal(cell.verdict, one ? 'independent' : 'dependent', level)
        const example = report.examples.find(({ number }) => number === cell.example)
        if (!one) assert.match(example?.schedules[1].join() ?? '', /after 1 of its 2 operations b is handled/)
      }
    }
  })

  test('checked by a version it is none', async () => {
    assert.equal(
      cellOf(await reportOn(stale(true)), 'desk.counted', 'desk.counted', 'race-free').verdict,
      'independent',
    )
  })

  test('outside work is answered by stubs, and named where there is none', async () => {
    const charging = () => {
      const app = book('create table paid (order_id text primary key, receipt text not null)')
      app.on(Desk.opened, {
        name: 'charge',
        from: 'start',
        prepare: (ctx) => ctx.once('charge', async () => ({ receipt: 'real' })),
        handle: async (tx, { data }, { receipt }) => {
          await tx.sql`insert into paid (order_id, receipt) values (${data.order}, ${receipt}) on conflict do nothing`
        },
      })
      return app
    }
    const unanswered = await reportOn(charging())
    assert.equal(cellOf(unanswered, 'desk.opened', 'desk.opened').verdict, 'withheld')
    assert.match(unanswered.troubles[0]?.what ?? '', /asks the outside world for 'charge'/)
    const answered = await reportOn(charging(), { outside: { charge: () => ({ receipt: 'R' }) } })
    assert.equal(cellOf(answered, 'desk.opened', 'desk.opened').verdict, 'independent')
  })
})

describe('what cannot be said', () => {
  test('a variable of the module makes verdicts withheld', async () => {
    const seen = new Set<string>()
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      const n = seen.size
      seen.add(`${data.item} ${data.n}`)
      await tx.sql`insert into stock (item, n) values (${data.item}, ${n}) on conflict (item) do update set n = excluded.n`
    })
    const report = await reportOn(app)
    assert.equal(cellOf(report, 'desk.counted', 'desk.counted').verdict, 'withheld')
  })

  test('a handler that looks at the clock or at randomness behind the checker is named, with its line', async () => {
    const looks: Record<string, () => unknown> = {
      'Date.now()': () => Date.now(),
      'new Date()': () => new Date().toISOString(),
      'Math.random()': () => Math.random(),
      'randomUUID() of node:crypto': () => randomUUID(),
    }
    for (const [what, look] of Object.entries(looks)) {
      const app = book(stock)
      app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
        const n = String(look()).length
        await tx.sql`insert into stock (item, n) values (${data.item}, ${n}) on conflict (item) do update set n = excluded.n`
      })
      const report = await reportOn(app)
      assert.equal(cellOf(report, 'desk.counted', 'desk.counted').verdict, 'withheld', what)
      const named = report.troubles.find((trouble) => trouble.what.startsWith(`uses ${what}`))
      assert.match(named?.site ?? '', /check\.test\.ts:\d+$/, what)
    }
    assert.doesNotThrow(() => new Date() instanceof Date)
  })

  test('a handler that waits for the world outside is named', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
      await new Promise((resolve) => setImmediate(resolve))
      await tx.sql`insert into stock (item, n) values (${data.item}, 1) on conflict do nothing`
    })
    const report = await reportOn(app)
    assert.equal(cellOf(report, 'desk.counted', 'desk.counted').verdict, 'withheld')
    assert.match(report.troubles.map(({ what }) => what).join(), /waited for something outside/)
  })

  test('an event that cannot be made is named, with its field and the remedy', async () => {
    const Odd = contract('odd', {
      events: { came: event({ data: z.object({ code: z.string().regex(/^(?=x)x$/) }) }) },
    })
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Odd.came, async (tx) => void (await tx.sql`select 1 from stock`))
    const { problems } = await reportOn(app)
    assert.match(problems.join(), /odd\.came: field code: nothing can be made .*generate: \[\[odd\.came/)
    const made = await reportOn(app, { generate: [[Odd.came, () => ({ code: 'x' })]] })
    assert.deepEqual(made.problems, [])
  })

  test('values for a field that no event has are a problem, with the nearest one', async () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.counted, async () => {})
    const { problems } = await reportOn(app, { values: { itme: ['a'], item: ['a'] } })
    assert.deepEqual(problems, ["values: no event has a field itme; the nearest is 'item'"])
  })

  test('a generator or a claim for a type that nobody handles is refused, with the nearest one', () => {
    const app = book(stock)
    app.subscribe('stock', { from: 'start' }).on(Desk.opened, () => {})
    assert.throws(
      () => check(app, { generate: [[Desk.closed, () => ({})]] }),
      /generate: no handler for desk\.closed.*'desk\.opened'/,
    )
    assert.throws(
      () => check(app, { claims: ['rebuild', ['republication', Desk.opened, Desk.closed]] }),
      /claims: no handler for desk\.closed.*'desk\.opened'/,
    )
  })
})

describe('what the application reaches', () => {
  test('events that services emit are tried as they come about, and a dependence among them is reachable', async () => {
    const Chain = contract('chain', {
      events: {
        began: event({ data: z.object({ id: z.string() }), key: (d) => d.id }),
        ended: event({ data: z.object({ id: z.string() }), key: (d) => d.id }),
      },
    })
    const chain = service(Chain)
    chain
      .subscribe('chain', { from: 'start' })
      .on(Desk.opened, async (tx, { data }) => void (await tx.publish(Chain.began, { id: data.order })))
      .on(Desk.closed, async (tx, { data }) => void (await tx.publish(Chain.ended, { id: data.order })))
    const last = service(Book, { migrations: migration('create table last (id text primary key, what text not null)') })
    for (const type of [Chain.began, Chain.ended])
      last.subscribe(type.name, { from: 'start' }).on(type, async (tx, { data }) => {
        await tx.sql`insert into last (id, what) values (${data.id}, ${type.name}) on conflict (id) do update set what = excluded.what`
      })
    const report = await check([chain, last]).run({ seed: 1 })
    const cell = cellOf(report, 'chain.began', 'chain.ended')
    assert.equal(cell.verdict, 'dependent')
    assert.ok(cell.reachable)
  })
})

test('the same seed says the same, and an example can be shown again by its number', async () => {
  const app = book(stock)
  app.subscribe('stock', { from: 'start' }).on(Desk.counted, async (tx, { data }) => {
    await tx.sql`insert into stock (item, n) values (${data.item}, ${data.n}) on conflict (item) do update set n = excluded.n`
  })
  const [one, other] = [await reportOn(app, {}, 5), await reportOn(app, {}, 5)]
  assert.deepEqual(one.cells, other.cells)
  const { example } = cellOf(one, 'desk.counted', 'desk.counted')
  const again = await check(app).replay(example as number, { seed: 5 })
  assert.deepEqual(
    again,
    one.examples.find(({ number }) => number === example),
  )
})
