import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { z } from 'zod'
import type { App } from './app.ts'
import { call } from './call.ts'
import { contract, event } from './contract.ts'
import { codeOf, messageOf, SkerryError } from './errors.ts'
import type { PrepareContext, ReceivedEvent } from './flow/handler.ts'
import { registryAddress } from './mesh/discovery/registry/address.ts'
import { Registry } from './mesh/discovery/registry/server.ts'
import { type Service, service } from './service.ts'
import { type StartOptions, start } from './start.ts'
import type { Fact } from './telemetry.ts'
import { systemClock } from './time.ts'

const Bank = contract('bank', {
  events: {},
  calls: {
    pay: call({
      input: z.object({ to: z.string(), pence: z.int().min(1) }),
      output: z.object({ balance: z.int() }),
      errors: { tooMuch: { data: z.object({ most: z.int() }) } },
      from: ['shop'],
    }),
    balance: call({
      http: 'GET /accounts/{of}',
      input: z.object({ of: z.string() }),
      output: z.object({ balance: z.int() }),
    }),
    slow: call({ input: z.object({}), output: z.object({}), idempotent: true }),
    faulty: call({ input: z.object({}), output: z.object({}) }),
  },
})

const Shop = contract('shop', {
  events: { bought: event({ data: z.object({ by: z.string(), pence: z.int() }), key: (d) => d.by }) },
  calls: {
    buy: call({ input: z.object({ pence: z.int() }), output: z.object({ balance: z.int() }), deadlineMs: 300 }),
  },
})

const sql = `create table account (name text primary key, balance integer not null)`

function bankOf(seen: { deadlines: number[]; origins: (string | undefined)[] }): Service<'bank'> {
  const bank = service(Bank, { migrations: [{ number: 1, name: 'first', sql, additive: true }] })
  bank.serve(Bank.pay, async (tx, { input: { to, pence }, from }) => {
    seen.origins.push(from)
    if (pence > 10_000) throw Bank.pay.refuse('tooMuch', { most: 10_000 })
    const [row] = await tx.sql<{ balance: number }>`insert into account (name, balance) values (${to}, ${pence})
      on conflict (name) do update set balance = account.balance + excluded.balance returning balance`
    return { balance: row?.balance ?? 0 }
  })
  bank.serve(Bank.balance, async (tx, { input }) => {
    const [row] = await tx.sql<{ balance: number }>`select balance from account where name = ${input.of}`
    return { balance: row?.balance ?? 0 }
  })
  bank.serve(Bank.slow, {
    prepare: async (_, { deadline, time }) => {
      seen.deadlines.push(deadline.getTime() - time.getTime())
      await new Promise(() => {})
    },
    handle: async () => ({}),
  })
  bank.serve(Bank.faulty, async (tx) => {
    await tx.sql`select nothing from nowhere`
    return {}
  })
  return bank
}

type Bought = ReceivedEvent<{ by: string; pence: number }>

function shopOf<T>(
  prepare: (ctx: PrepareContext, event: Bought) => Promise<T>,
  told: T[],
  retry = {},
): Service<'shop'> {
  const shop = service(Shop)
  shop.on(Shop.bought, {
    name: 'pay',
    from: 'start',
    retry: { firstMs: 5, ...retry },
    prepare,
    handle: (_tx, { attempt }, prepared) => {
      if (attempt < 3) throw new Error('after the call')
      told.push(prepared as T)
    },
  })
  return shop.serve(Shop.buy, {
    prepare: async (ctx, { input }) => {
      if (input.pence === 0) await ctx.call(Bank.slow, {})
      return ctx.call(Bank.pay, { to: 'buyer', pence: input.pence })
    },
    handle: async (_tx, _request, prepared) => prepared,
  })
}

/** The two services in one process, and in two: by addresses, over HTTP and by frames, and by a registry. */
const places = ['here', 'at an address', 'at an address for frames', 'by a registry'] as const

interface Both {
  readonly shop: App
  readonly bank: App
  readonly facts: Fact[]
}

async function running(
  t: TestContext,
  where: (typeof places)[number],
  bank: Service<'bank'>,
  shop: Service<'shop'>,
): Promise<Both> {
  const dir = await mkdtemp(join(tmpdir(), 'skerry-callers-'))
  const closing: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  const facts: Fact[] = []
  const open = async (services: Service[], name: string, options: StartOptions): Promise<App> => {
    const app = await start(services, { dir: join(dir, name), measure: 0, ...options })
    closing.push(() => app.stop())
    return app
  }
  const watcher = (fact: Fact): void => void facts.push(fact)
  if (where === 'here') {
    const app = await open([bank, shop], 'both', { watcher })
    return { shop: app, bank: app, facts }
  }
  if (where !== 'by a registry') {
    const byFrames = where === 'at an address for frames'
    const theirs = await open([bank], 'bank', { [byFrames ? 'frames' : 'http']: '127.0.0.1:0' })
    const address = (byFrames ? theirs.framesUrl : theirs.url) as string
    const ours = await open([shop], 'shop', { watcher, callees: { at: { bank: [address] } } })
    return { shop: ours, bank: theirs, facts }
  }
  const registry = { address: `unix:${join(dir, 'r.sock')}`, secret: 'a secret of some length' }
  const listening = await Registry.start({
    clock: systemClock,
    secret: registry.secret,
    listen: registryAddress(registry.address),
  })
  closing.push(() => listening.close())
  const theirs = await open([bank], 'bank', { http: '127.0.0.1:0', frames: '127.0.0.1:0', registry })
  const ours = await open([shop], 'shop', { watcher, http: '127.0.0.1:0', registry })
  return { shop: ours, bank: theirs, facts }
}

const fresh = (): { deadlines: number[]; origins: (string | undefined)[] } => ({ deadlines: [], origins: [] })
const balance = async (app: App, of: string): Promise<number> => (await app.call(Bank.balance, { of })).balance
const dead = (facts: readonly Fact[]): unknown[] => facts.flatMap((fact) => (fact.kind === 'dead' ? [fact.code] : []))

for (const where of places)
  describe(`a call in prepare, its service ${where}`, () => {
    test('has one effect however often the event is tried, and says who calls', async (t) => {
      const [seen, told] = [fresh(), [] as unknown[]]
      const prepare = async (ctx: PrepareContext, { data }: Bought) => {
        const first = await ctx.call(Bank.pay, { to: data.by, pence: data.pence })
        const second = await ctx.call(Bank.pay, { to: data.by, pence: data.pence })
        const named = await ctx.call(Bank.pay, { to: data.by, pence: data.pence }, { name: 'tip' })
        const read = await ctx.call(Bank.balance, { of: data.by })
        return [first.balance, second.balance, named.balance, read.balance]
      }
      const { shop, bank } = await running(t, where, bankOf(seen), shopOf(prepare, told))
      await shop.publish(Shop.bought, { by: 'ada', pence: 7 })
      await shop.settled()
      assert.deepEqual(told, [[7, 14, 21, 21]])
      assert.equal(await balance(bank, 'ada'), 21)
      assert.deepEqual(seen.origins, ['shop', 'shop', 'shop'])
    })

    test('is refused as the contract declares, and in the same words each time', async (t) => {
      const told: unknown[] = []
      const prepare = (ctx: PrepareContext, { data }: Bought) =>
        ctx.call(Bank.pay, { to: data.by, pence: data.pence }).catch((error: unknown) => {
          if (!Bank.pay.refused(error, 'tooMuch')) throw error
          return error.data
        })
      const { shop } = await running(t, where, bankOf(fresh()), shopOf<unknown>(prepare, told))
      await shop.publish(Shop.bought, { by: 'ada', pence: 20_000 })
      await shop.settled()
      assert.deepEqual(told, [{ most: 10_000 }])
    })

    test('fails as its service says: bad input at once, a fault of the service after all tries', async (t) => {
      const prepare = (ctx: PrepareContext, { data }: Bought): Promise<unknown> =>
        data.by === 'bad' ? ctx.call(Bank.pay, { to: data.by, pence: 0 }) : ctx.call(Bank.faulty, {})
      const { shop, facts } = await running(t, where, bankOf(fresh()), shopOf(prepare, [], { attempts: 2 }))
      await shop.publish(Shop.bought, { by: 'bad', pence: 1 })
      await shop.publish(Shop.bought, { by: 'faulty', pence: 1 })
      await shop.settled()
      assert.deepEqual(dead(facts).sort(), ['failed', 'invalid_request'])
    })

    test('in a call waits no longer than its own caller does', async (t) => {
      const seen = fresh()
      const { shop, bank } = await running(
        t,
        where,
        bankOf(seen),
        shopOf(async () => 0, []),
      )
      assert.deepEqual(await shop.call(Shop.buy, { pence: 5 }, { key: 'one' }), { balance: 5 })
      assert.deepEqual(await shop.call(Shop.buy, { pence: 5 }, { key: 'one' }), { balance: 5 })
      await assert.rejects(shop.call(Shop.buy, { pence: 0 }), (error) => codeOf(error) === 'deadline_exceeded')
      assert.equal(await balance(bank, 'buyer'), 5)
      assert.equal(seen.deadlines.length, 1)
      assert.ok((seen.deadlines[0] as number) <= 300, `${seen.deadlines}`)
    })
  })

describe('a call whose service', () => {
  test('is away charges no attempt, and goes on when it is back', async (t) => {
    const told: unknown[] = []
    const bank = bankOf(fresh())
    const dir = await mkdtemp(join(tmpdir(), 'skerry-callers-'))
    t.after(() => rm(dir, { recursive: true, force: true }))
    const first = await start([bank], { dir: join(dir, 'bank'), http: 'unix:'.concat(join(dir, 'bank.sock')) })
    const at = { bank: [first.url as string] }
    await first.stop()
    const shop = service(Shop)
    const tried = Promise.withResolvers<void>()
    shop.on(Shop.bought, {
      name: 'pay',
      from: 'start',
      retry: { firstMs: 5, mostMs: 20, attempts: 2 },
      prepare: async (ctx, { data }) => {
        const paying = ctx.call(Bank.pay, { to: data.by, pence: data.pence })
        await paying.catch((error: unknown) => codeOf(error) === 'unavailable' && ++failures >= 4 && tried.resolve())
        return paying
      },
      handle: (_tx, { attempt }, paid) => void told.push([attempt, paid.balance]),
    })
    let failures = 0
    shop.serve(Shop.buy, async () => ({ balance: 0 }))
    const app = await start([shop], { dir: join(dir, 'shop'), callees: { at } })
    await app.publish(Shop.bought, { by: 'ada', pence: 7 })
    // Settled would mean that it was given up.
    await Promise.race([tried.promise, app.settled()])
    const second = await start([bank], { dir: join(dir, 'bank'), http: 'unix:'.concat(join(dir, 'bank.sock')) })
    await app.settled()
    assert.deepEqual(told, [[1, 7]])
    await app.stop()
    await second.stop()
  })

  test('has routes goes by them', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'skerry-callers-'))
    const theirs = await start([bankOf(fresh())], { dir: join(dir, 'bank'), http: '127.0.0.1:0' })
    let app: App | undefined
    t.after(async () => {
      await app?.stop()
      await theirs.stop()
      await rm(dir, { recursive: true, force: true })
    })
    const told: unknown[] = []
    const paying = (ctx: PrepareContext, { data }: Bought): Promise<unknown> =>
      ctx.call(Bank.pay, { to: data.by, pence: data.pence }).catch((error: unknown) => codeOf(error))
    const fault = { abort: { httpStatus: 403, percentage: { value: 100 } } }
    const rules = { routes: [{ hosts: ['bank'], http: [{ fault, route: [{ destination: { host: 'bank' } }] }] }] }
    const callees = { at: { bank: [theirs.url as string] }, rules }
    app = await start([shopOf(paying, told)], { dir: join(dir, 'shop'), callees })
    await app.publish(Shop.bought, { by: 'ada', pence: 7 })
    await app.settled()
    // A fault of the route is no answer of the service.
    assert.deepEqual(told, ['failed'])
    assert.equal(await balance(theirs, 'ada'), 0)
    const wrong = { ...callees, rules: { routes: [{ ...rules.routes[0], hosts: [] }] } }
    await assert.rejects(start([shopOf(paying, told)], { dir: join(dir, 'other'), callees: wrong as never }), {
      code: 'invalid_config',
      message: /routes\[0\]\.hosts/,
    })
  })

  test('nobody knows says what to do: at the call, and at the start where the service says that it calls it', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'skerry-callers-'))
    t.after(() => rm(dir, { recursive: true, force: true }))
    const facts: Fact[] = []
    const shop = shopOf((ctx) => ctx.call(Bank.faulty, {}), [])
    const app = await start([shop], { dir, watcher: (fact) => facts.push(fact) })
    await app.publish(Shop.bought, { by: 'ada', pence: 7 })
    await app.settled()
    await app.stop()
    const [fact] = facts.filter(({ kind }) => kind === 'dead')
    assert.ok(fact?.kind === 'dead')
    const remedy = /^shop calls bank, which does not run here.*callees: \{ at: \{ bank: /
    assert.equal(fact.code, 'invalid_config')
    assert.match(fact.message, remedy)
    const saying = service(Shop, { calls: [Bank] }).serve(Shop.buy, async () => ({ balance: 0 }))
    const refused = await start([saying], { dir: join(dir, 'other') }).catch((error: unknown) => error)
    assert.ok(refused instanceof SkerryError)
    assert.match(messageOf(refused), remedy)
  })
})
