import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { z } from 'zod'
import type { App } from '../../app.ts'
import { call } from '../../call.ts'
import { contract } from '../../contract.ts'
import { emptyLock, grown } from '../../contracts/lock.ts'
import { client } from '../../mesh.ts'
import { service } from '../../service.ts'
import { type StartOptions, start } from '../../start.ts'
import { systemClock } from '../../time.ts'
import { FrameTransport } from '../frames/transport.ts'

const Counter = contract('counter', {
  events: {},
  calls: {
    add: call({ input: z.object({}), output: z.object({}) }),
    total: call({ http: 'GET /total', input: z.object({}), output: z.object({ n: z.int() }) }),
    hold: call({ input: z.object({}), output: z.object({}) }),
  },
})

/** A counter whose `hold` waits until it is let go. */
function counter() {
  const gate = Promise.withResolvers<undefined>()
  const held = Promise.withResolvers<void>()
  const sql = 'create table added (n integer not null)'
  const self = service(Counter, { migrations: [{ number: 1, name: 'first', sql, additive: true }] })
  self.serve(Counter.add, async (tx) => {
    await tx.sql`insert into added (n) values (1)`
    return {}
  })
  self.serve(Counter.total, async (tx) => ({ n: (await tx.sql`select n from added`).length }))
  self.serve(Counter.hold, {
    prepare: () => {
      held.resolve()
      return gate.promise
    },
    handle: () => ({}),
  })
  return { self, held: held.promise, letGo: () => gate.resolve(undefined) }
}

async function serving(
  options: StartOptions,
  work: (app: App, one: ReturnType<typeof counter>) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-away-'))
  writeFileSync(join(dir, 'lock.json'), JSON.stringify(grown(emptyLock, [Counter])))
  const one = counter()
  const app = await start([one.self], { dir, grpc: { lock: join(dir, 'lock.json') }, ...options })
  try {
    await work(app, one)
  } finally {
    one.letGo()
    await app.stop()
    rmSync(dir, { recursive: true })
  }
}

const never = new AbortController().signal
const json = { 'content-type': 'application/json' }
const add = { method: 'POST', path: '/counter/add', headers: json, body: Buffer.from('{}') }

/** A unary request without a schema: an empty message is one of any. */
function askGrpc(app: App, method: string): Promise<ServiceError | null> {
  const grpc = new Client((app.grpcUrl as string).replace('grpc://', ''), credentials.createInsecure())
  const path = `/counter.Counter/${method}`
  const bytes = (one: Buffer): Buffer => one
  return new Promise((resolve) =>
    grpc.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), new Metadata(), (error) => {
      grpc.close()
      resolve(error)
    }),
  )
}

describe('a server that has too much to do', () => {
  test('turns calls away by every door before they begin, says so, and goes on to answer probes', () =>
    serving(
      { http: '127.0.0.1:0', frames: '127.0.0.1:0', concurrency: { first: 2, least: 2, lowShare: 0.5 } },
      async (app, one) => {
        const ask = (path: string, init: RequestInit = {}) => fetch(`${app.url}${path}`, { headers: json, ...init })
        const post = (path: string, headers = {}) =>
          ask(path, { method: 'POST', body: '{}', headers: { ...json, ...headers } })
        const holding = post('/counter/hold')
        await one.held
        assert.equal((await post('/counter/add')).status, 200)
        const low = await post('/counter/add', { 'skerry-priority': 'low' })
        assert.deepEqual([low.status, low.headers.get('skerry-not-begun')], [503, 'shed'])
        assert.equal((await post('/counter/add', { 'skerry-priority': 'urgent' })).status, 400)

        const second = post('/counter/hold')
        for (;;) if ((await (await ask('/metrics')).text()).includes('skerry_calls_in_flight 2')) break
        const refused = await post('/counter/add')
        assert.deepEqual([refused.status, refused.headers.get('skerry-not-begun')], [503, 'shed'])
        assert.ok(Number(refused.headers.get('retry-after')) >= 1)
        assert.match(await refused.text(), /"code":"overloaded"/)
        const transport = new FrameTransport({ clock: systemClock })
        const framed = await transport.send({ id: 'a', address: app.framesUrl as string }, add, never)
        assert.deepEqual([framed.status, framed.headers['skerry-not-begun']], [503, 'shed'])
        assert.ok(Number(framed.headers['retry-after']) >= 1)
        await transport.close()
        const error = await askGrpc(app, 'Add')
        assert.equal(error?.code, status.RESOURCE_EXHAUSTED)
        assert.deepEqual(error?.metadata.get('skerry-not-begun'), ['shed'])
        assert.ok(Number(error?.metadata.get('grpc-retry-pushback-ms')[0]) >= 1000)

        for (const probe of ['/livez', '/readyz', '/startupz']) assert.equal((await ask(probe)).status, 200)
        const metrics = await (await ask('/metrics')).text()
        assert.match(metrics, /^skerry_concurrency_limit 2$/m)
        assert.match(metrics, /^skerry_shed_total\{priority="normal"\} 3$/m)
        assert.match(metrics, /^skerry_shed_total\{priority="low"\} 1$/m)
        one.letGo()
        assert.deepEqual([(await holding).status, (await second).status], [200, 200])
        assert.deepEqual(await (await ask('/total')).json(), { n: 1 })
      },
    ))

  test('is without a limit where that is asked for', () =>
    serving({ http: '127.0.0.1:0', concurrency: false }, async (app) => {
      const metrics = await (await fetch(`${app.url}/metrics`)).text()
      assert.match(metrics, /^skerry_concurrency_limit \+Inf$/m)
    }))
})

describe('a server that leaves', () => {
  test('refuses what comes on open connections before it begins, and says so', () =>
    serving({ http: '127.0.0.1:0' }, async (app, one) => {
      const socket = connect(Number(new URL(app.url as string).port), '127.0.0.1')
      let text = ''
      const begun = Promise.withResolvers<void>()
      socket.on('data', (chunk) => {
        text += chunk
        if (text.includes('100 Continue')) begun.resolve()
      })
      const head = 'POST /counter/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n'
      socket.write(`${head}expect: 100-continue\r\n\r\n`)
      await begun.promise
      const stopped = app.stop()
      socket.write('{}')
      await once(socket, 'close')
      await stopped
      assert.match(text, /HTTP\/1\.1 503 [\s\S]*skerry-not-begun: leaving[\s\S]*counter is stopping/)
      one.letGo()
    }))

  test('does not close a kept connection before whoever uses it could hear that it is the last time', () =>
    serving({ http: '127.0.0.1:0' }, async (app) => {
      const socket = connect(Number(new URL(app.url as string).port), '127.0.0.1')
      let text = ''
      socket.on('data', (chunk) => (text += chunk))
      const get = 'GET /total HTTP/1.1\r\nhost: x\r\n\r\n'
      socket.write(get)
      while (!text.endsWith('{"n":0}')) await once(socket, 'data')
      const stopped = app.stop()
      socket.write(get)
      await once(socket, 'close')
      await stopped
      const [, second] = text.split(/(?=HTTP\/1\.1 )/)
      assert.match(second ?? '', /^HTTP\/1\.1 503 [\s\S]*connection: close[\s\S]*counter is stopping/i)
      assert.match(second ?? '', /skerry-not-begun: leaving/)
    }))

  test('by frames costs no caller a call, however little may be done twice, though nobody is told but by the connection', async () => {
    const made = [counter(), counter()]
    const dirs = made.map(() => mkdtempSync(join(tmpdir(), 'skerry-away-')))
    const apps = await Promise.all(made.map(({ self }, n) => start([self], { dir: dirs[n] as string, frames: '0' })))
    const calls = client(Counter, { at: apps.map(({ framesUrl }) => framesUrl as string) })
    let done = 0
    let over = false
    const callers = Array.from({ length: 8 }, async () => {
      while (!over) {
        await calls.call(Counter.add, {})
        done++
      }
    })
    while (done < 200) await new Promise(setImmediate)
    const kept = apps[1] as App
    const before = (await (apps[0] as App).call(Counter.total, {})).n
    await (apps[0] as App).stop()
    const until = done + 100
    while (done < until) await new Promise(setImmediate)
    over = true
    await Promise.all(callers)
    assert.ok(before > 0)
    // Each call took effect once: what the one that left had, and what the other one has.
    const again = await start([(made[0] as (typeof made)[number]).self], { dir: dirs[0] as string })
    const totals = [(await again.call(Counter.total, {})).n, (await kept.call(Counter.total, {})).n]
    assert.equal((totals[0] as number) + (totals[1] as number), done)
    await again.stop()
    await calls.close()
    await kept.stop()
    for (const dir of dirs) rmSync(dir, { recursive: true })
  })
})
