import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { call } from '../../../call.ts'
import { contract, event } from '../../../contract.ts'
import { type Service, service } from '../../../service.ts'
import type { HttpOptions } from '../../../serving.ts'
import { start } from '../../../start.ts'

const Line = z.object({ sku: z.string().max(100), n: z.number().int().min(1).max(99).default(1) })
const Order = z.object({ id: z.string(), lines: z.array(Line) })

export const Shop = contract('shop', {
  events: { placed: event({ data: Order, key: (d) => d.id }) },
  calls: {
    place: call({
      input: z.object({ lines: z.array(Line).min(1), note: z.string().optional() }),
      output: Order,
      http: 'POST /orders',
      errors: { soldOut: { data: z.object({ sku: z.string() }) } },
    }),
    change: call({
      input: z.object({ id: z.string(), lines: z.array(Line) }),
      output: Order,
      http: 'PUT /orders/{id}',
      idempotent: true,
    }),
    view: call({
      input: z.object({ id: z.string(), full: z.boolean().default(true) }),
      output: Order,
      http: 'GET /orders/{id}',
      errors: { unknown: { status: 404 } },
    }),
    find: call({
      input: z.object({ sku: z.string().optional(), least: z.int().optional(), tags: z.array(z.string()).default([]) }),
      output: z.object({ ids: z.array(z.string()), tags: z.array(z.string()) }),
      http: 'GET /orders',
    }),
    secret: call({ input: z.object({}), output: z.object({}), from: ['till'] }),
    echo: call({ input: z.any(), output: z.any() }),
    wait: call({ input: z.object({ ms: z.number().max(60_000) }), output: z.object({}), idempotent: true }),
    fail: call({ input: z.object({}), output: z.object({}) }),
  },
})

const migrations = [
  { number: 1, name: 'orders', sql: 'create table orders (id text primary key, lines text not null)', additive: true },
]

/** A shop with every kind of call; `wait` and `fail` do what they are called. */
export function shop(): Service<'shop'> {
  const self = service(Shop, { migrations })
  self.serve(Shop.place, async (tx, { input }) => {
    const sold = input.lines.find(({ sku }) => sku === 'gone')
    if (sold) throw Shop.place.refuse('soldOut', { sku: sold.sku })
    const order = { id: tx.id(), lines: input.lines }
    await tx.sql`insert into orders (id, lines) values (${order.id}, ${JSON.stringify(order.lines)})`
    await tx.publish(Shop.placed, order)
    return order
  })
  self.serve(Shop.change, async (tx, { input }) => {
    const text = JSON.stringify(input.lines)
    await tx.sql`insert into orders (id, lines) values (${input.id}, ${text})
      on conflict (id) do update set lines = excluded.lines`
    return input
  })
  self.serve(Shop.view, async (tx, { input }) => {
    const [row] = await tx.sql<{ lines: string }>`select lines from orders where id = ${input.id}`
    if (!row) throw Shop.view.refuse('unknown')
    return { id: input.id, lines: input.full ? JSON.parse(row.lines) : [] }
  })
  self.serve(Shop.find, async (tx, { input }) => {
    const rows = await tx.sql<{ id: string }>`select id from orders order by id`
    return { ids: rows.map(({ id }) => id), tags: input.tags }
  })
  self.serve(Shop.secret, () => ({}))
  self.serve(Shop.echo, (_tx, { input }) => input)
  self.serve(Shop.wait, {
    prepare: (ctx, { input }) =>
      new Promise<undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), input.ms)
        ctx.signal.addEventListener('abort', () => clearTimeout(timer))
      }),
    handle: () => ({}),
  })
  return self.serve(Shop.fail, () => {
    throw new Error('the password is 1234')
  })
}

export interface Open {
  readonly app: App
  readonly url: string
  readonly port: number
  /** What the services said of calls that failed. */
  readonly faults: string[]
  close(): Promise<void>
}

/** The shop on a free port. */
export async function openShop(http: HttpOptions = {}): Promise<Open> {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-http-'))
  const faults: string[] = []
  const app = await start([shop()], {
    dir,
    http,
    graceMs: 2000,
    watcher: (fact) => {
      if (fact.kind === 'call' && fact.code !== 'ok') faults.push(`${fact.call} ${fact.code} ${fact.message}`)
    },
  })
  const url = app.url as string
  return {
    app,
    url,
    port: url.startsWith('http') ? Number(new URL(url).port) : 0,
    faults,
    async close() {
      await app.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export interface Raw {
  /** All that came back until the connection ended; `reset` when it was cut. */
  readonly text: string
  readonly ended: 'end' | 'reset'
}

/** Sends bytes as they are, and hears all that comes until the other side closes the connection. */
export function sendRaw(port: number, ...parts: (string | Uint8Array)[]): Promise<Raw> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => (text += chunk))
    socket.once('error', () => {})
    socket.once('close', (failed) => resolve({ text, ended: failed ? 'reset' : 'end' }))
    for (const part of parts) socket.write(part)
  })
}
