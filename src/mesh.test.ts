import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { call } from './call.ts'
import { contract } from './contract.ts'
import { SkerryError } from './errors.ts'
import { registryAddress } from './mesh/discovery/registry/address.ts'
import { Registry } from './mesh/discovery/registry/server.ts'
import { HttpTransport } from './mesh/http/transport.ts'
import { client, type Told } from './mesh.ts'
import { service } from './service.ts'
import { start } from './start.ts'
import type { Fact } from './telemetry.ts'
import { systemClock } from './time.ts'

const Bank = contract('bank', {
  events: {},
  calls: {
    pay: call({
      http: 'POST /accounts/{to}/payments',
      input: z.object({ to: z.string(), pence: z.int() }),
      output: z.object({ balance: z.int() }),
      errors: { tooMuch: { status: 402, data: z.object({ most: z.int() }) } },
    }),
    find: call({
      http: 'GET /accounts/{of}',
      input: z.object({ of: z.string(), words: z.array(z.string()), limit: z.int().optional() }),
      output: z.object({ of: z.string(), words: z.array(z.string()), limit: z.int().optional() }),
    }),
    wait: call({ input: z.object({ ms: z.int() }), output: z.object({}), deadlineMs: 5000 }),
  },
})

const sql = 'create table account (name text primary key, balance integer not null)'
const bank = service(Bank, { migrations: [{ number: 1, name: 'first', sql, additive: true }] })
bank.serve(Bank.pay, async (tx, { input: { to, pence } }) => {
  if (pence > 10_000) throw Bank.pay.refuse('tooMuch', { most: 10_000 })
  const [row] = await tx.sql<{ balance: number }>`insert into account (name, balance) values (${to}, ${pence})
    on conflict (name) do update set balance = account.balance + excluded.balance returning balance`
  return { balance: row?.balance ?? 0 }
})
bank.serve(Bank.find, async (_, { input }) => input)
bank.serve(Bank.wait, {
  prepare: (_, { input }) => new Promise((resolve) => setTimeout(() => resolve({}), input.ms)),
  handle: async () => ({}),
})

const secret = 'a secret of some length'

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-mesh-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const code = (is: string) => (error: unknown) => error instanceof SkerryError && error.code === is

describe('a client of a service', () => {
  test('has its answers with their types, its refusals by name, and effects once for each key', () =>
    inFolder(async (dir) => {
      const app = await start([bank], { dir, http: '127.0.0.1:0' })
      const told: [string, Told][] = []
      const calls = client(Bank, { at: [app.url as string], onAnswer: (name, one) => told.push([name, one]) })
      for (let n = 0; n < 3; n++)
        assert.deepEqual(await calls.call(Bank.pay, { to: 'a/ä b', pence: 7 }, { key: 'invoice "7"' }), { balance: 7 })
      assert.deepEqual(await calls.call(Bank.pay, { to: 'a/ä b', pence: 7 }), { balance: 14 })
      const asked = { of: 'x?y#z', words: ['a&b', 'ü'], limit: 3 }
      assert.deepEqual(await calls.call(Bank.find, asked), asked)
      const refusal = await calls.call(Bank.pay, { to: 'a', pence: 20_000 }).catch((error: unknown) => error)
      assert.ok(Bank.pay.refused(refusal, 'tooMuch'))
      assert.deepEqual([refusal.data, refusal.status], [{ most: 10_000 }, 402])
      await assert.rejects(calls.call(Bank.pay, { to: 'a', pence: 1.5 }), code('invalid_request'))
      await assert.rejects(calls.call(Bank.find, { of: '..', words: [] }), code('invalid_request'))
      await assert.rejects(calls.call(Bank.wait, { ms: 1000 }, { deadlineMs: 50 }), code('deadline_exceeded'))
      const [name, first] = told[0] as [string, Told]
      assert.deepEqual([name, first.status, first.tries], ['pay', 200, 1])
      assert.ok(first.latency.responseMs > 0 && first.latency.networkMs > 0)
      await calls.close()
      await app.stop()
    }))

  test('finds instances by a registry, and does not notice when one of them leaves in order', () =>
    inFolder(async (dir) => {
      const address = `unix:${join(dir, 'registry.sock')}`
      const registry = await Registry.start({ clock: systemClock, secret, listen: registryAddress(address) })
      const open = (name: string) =>
        start([bank], {
          ...{ dir: join(dir, name), http: '127.0.0.1:0' },
          registry: { address, secret, expected: 2, labels: { name } },
        })
      const apps = [await open('a'), await open('b')] as const
      const answers = new Set<string | undefined>()
      const calls = client(Bank, { registry: { address, secret }, onAnswer: (_, { from }) => answers.add(from) })
      while (answers.size < 2) await calls.call(Bank.find, { of: 'x', words: ['y'] })
      let over = false
      let done = 0
      const callers = Array.from({ length: 4 }, async () => {
        while (!over) {
          await calls.call(Bank.pay, { to: 'x', pence: 1 })
          done++
        }
      })
      const before = done
      await apps[0].stop()
      assert.ok(done > before)
      over = true
      await Promise.all(callers)
      await apps[1].stop()
      await assert.rejects(calls.call(Bank.pay, { to: 'x', pence: 1 }), code('unavailable'))
      await calls.close()
      await registry.close()
    }))

  test('speaks frames with instances that offer them, HTTP with the others, and with one whose frames it cannot reach', () =>
    inFolder(async (dir) => {
      const address = `unix:${join(dir, 'registry.sock')}`
      const registry = await Registry.start({ clock: systemClock, secret, listen: registryAddress(address) })
      const open = (name: string, frames?: string, advertiseFrames?: string) =>
        start([bank], {
          ...{ dir: join(dir, name), http: `unix:${join(dir, `${name}.sock`)}` },
          ...(frames !== undefined && { frames }),
          registry: { address, secret, labels: { name }, ...(advertiseFrames !== undefined && { advertiseFrames }) },
        })
      const apps = [
        await open('a', `unix:${join(dir, 'a.frames')}`),
        await open('b'),
        await open('c', `unix:${join(dir, 'c.frames')}`, `unix:${join(dir, 'elsewhere')}`),
      ]
      const over = new HttpTransport()
      const looks = new Map<string, number>()
      /** How many requests came over HTTP, beside the looks at this very figure. */
      const requests = async (path: string): Promise<number> => {
        const target = { id: path, address: `unix:${join(dir, path)}` }
        const request = { method: 'GET', path: '/metrics', headers: {}, body: new Uint8Array() }
        const { body } = await over.send(target, request, AbortSignal.timeout(5000))
        const before = looks.get(path) ?? 0
        looks.set(path, before + 1)
        const all = /http_requests_total\{status="200"\} (\d+)/.exec(Buffer.from(body).toString())?.[1] ?? 0
        return Number(all) - before
      }
      const answers = new Set<string | undefined>()
      const calls = client(Bank, { registry: { address, secret }, onAnswer: (_, { from }) => answers.add(from) })
      while (answers.size < 3) await calls.call(Bank.find, { of: 'x', words: ['y', 'z'] })
      assert.equal(await requests('a.sock'), 0)
      for (const name of ['b.sock', 'c.sock']) assert.ok((await requests(name)) > 0, name)
      await calls.close()
      const plain = client(Bank, { registry: { address, secret }, frames: false })
      while ((await requests('a.sock')) === 0) await plain.call(Bank.find, { of: 'x', words: ['y', 'z'] })
      await plain.close()
      await over.close()
      for (const app of apps) await app.stop()
      await registry.close()
    }))

  test('says which one way of finding it needs', () => {
    assert.throws(() => client(Bank, {}), /^SkerryError: a client of bank needs one of at, registry and discovery$/)
    const [at, registry] = [['http://127.0.0.1:1'], { address: 'unix:/nowhere', secret }]
    assert.throws(() => client(Bank, { at, registry }), code('invalid_config'))
  })

  test('a process says when its registry is not there, and when it is at last; its metrics do, too', () =>
    inFolder(async (dir) => {
      const address = `unix:${join(dir, 'registry.sock')}`
      const told: string[] = []
      let tell = (): void => {}
      const watcher = (fact: Fact): void => {
        if (fact.kind !== 'registry') return
        told.push(`${fact.state} ${fact.code}`)
        tell()
      }
      const until = async (count: number): Promise<void> => {
        while (told.length < count) await new Promise<void>((resolve) => (tell = resolve))
      }
      const app = await start([bank], { dir, http: '0', registry: { address, secret }, watcher })
      const up = async () => /skerry_registry_up\{.*\} (\d)/.exec(await (await fetch(`${app.url}/metrics`)).text())?.[1]
      await until(1)
      assert.equal(await up(), '0')
      const registry = await Registry.start({ clock: systemClock, secret, listen: registryAddress(address) })
      await until(2)
      assert.equal(await up(), '1')
      assert.deepEqual(told, ['away unavailable', 'joined ok'])
      await app.stop()
      await registry.close()
    }))

  test('a service that gives a registry and serves nothing is told so', () =>
    inFolder(async (dir) => {
      const registry = { address: `unix:${join(dir, 'r')}`, secret }
      await assert.rejects(start([bank], { dir, registry }), /no calls are served: give http or frames an address, too/)
      // Its handlers may look for others there all the same.
      await (await start([bank], { dir, registry: { ...registry, tell: false } })).stop()
    }))
})
