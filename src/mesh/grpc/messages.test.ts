import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import type { App } from '../../app.ts'
import { type AnyCall, call } from '../../call.ts'
import { contract } from '../../contract.ts'
import { emptyLock, grown } from '../../contracts/lock.ts'
import { protoOf } from '../../contracts/proto.ts'
import { seededRandom } from '../../ids.ts'
import { client } from '../../mesh.ts'
import { service } from '../../service.ts'
import { start } from '../../start.ts'
import { systemClock } from '../../time.ts'
import { MeshClient } from '../client/client.ts'
import { StaticDiscovery } from '../discovery/static.ts'
import { GrpcMessages } from './messages.ts'
import { GrpcTransport } from './transport.ts'

const Pilots = contract('pilots', {
  events: {},
  calls: {
    'guide-in': call({
      input: z.object({ ship: z.string(), draught: z.number().nullable(), crew: z.array(z.string()).default([]) }),
      output: z.object({
        ship: z.string(),
        berth: z.int(),
        draught: z.number().nullable(),
        notes: z.array(z.string()),
      }),
      errors: { aground: { data: z.object({ depth: z.number() }) } },
      idempotent: true,
    }),
    wait: call({ input: z.object({}), output: z.object({}), idempotent: true }),
  },
})
const lock = grown(emptyLock, [Pilots])
const proto = protoOf(Pilots, lock.services.pilots?.numbers ?? {})

const pilots = service(Pilots)
pilots.serve(Pilots['guide-in'], (_, { input }) => {
  if (input.draught !== null && input.draught > 10) throw Pilots['guide-in'].refuse('aground', { depth: 10 })
  return { ship: input.ship, draught: input.draught, berth: 0, notes: [] }
})
pilots.serve(Pilots.wait, {
  prepare: (ctx) => new Promise<undefined>((end) => ctx.signal.addEventListener('abort', () => end(undefined))),
  handle: () => ({}),
})

describe('typed calls over gRPC, by the client of the mesh, to servers of ours', () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-grpc-client-'))
  const apps: App[] = []
  let mesh: MeshClient

  before(async () => {
    const file = join(dir, 'lock.json')
    writeFileSync(file, JSON.stringify(lock))
    for (const name of ['a', 'b']) apps.push(await start([pilots], { dir: join(dir, name), grpc: { lock: file } }))
    const at = apps.map(({ grpcUrl }) => grpcUrl as string)
    mesh = new MeshClient({
      discovery: new StaticDiscovery({ pilots: at }),
      transport: new GrpcTransport({ clock: systemClock }),
      ...{ clock: systemClock, random: seededRandom('over gRPC') },
    })
  })
  after(async () => {
    await mesh.close()
    for (const app of apps) await app.stop()
    rmSync(dir, { recursive: true })
  })

  const messages = new GrpcMessages(Pilots, proto)
  async function ask(type: AnyCall, input: unknown, timeoutMs = 10_000) {
    const request = { ...messages.write(type, input), service: 'pilots', idempotent: type.idempotent, timeoutMs }
    const answer = await mesh.request(request)
    return { value: messages.read(type, answer), answer }
  }

  test('an answer is what the contract says: zeros, empty lists and nulls are there', async () => {
    const { value, answer } = await ask(Pilots['guide-in'], { ship: 'Muirneag', draught: null })
    assert.deepEqual(value, { ship: 'Muirneag', berth: 0, draught: null, notes: [] })
    const { requestMs, responseMs, networkMs } = answer.latency
    assert.ok(responseMs > 0 && requestMs >= 0 && networkMs > 0, 'the server tells how long it took')
  })

  test('a refusal comes with its reason and its data', async () => {
    const refused = await ask(Pilots['guide-in'], { ship: 'Politician', draught: 12.5 }).catch((error) => error)
    assert.ok(Pilots['guide-in'].refused(refused, 'aground'))
    assert.equal(refused.data.depth, 10)
  })

  test('no answer in time is deadline_exceeded', async () => {
    await assert.rejects(ask(Pilots.wait, {}, 100), { code: 'deadline_exceeded' })
  })

  test('what the .proto lacks is not found, and what it cannot hold is refused before it is sent', async () => {
    const other = contract('pilots', {
      events: {},
      calls: { leave: call({ input: z.object({}), output: z.object({}) }) },
    })
    assert.throws(() => messages.write(other.leave, {}), { code: 'not_found' })
    assert.throws(() => messages.write(Pilots['guide-in'], { ship: 'x', crew: 'all' }), { code: 'invalid_request' })
  })

  test('a client of the service speaks it where it is told to', async () => {
    const answers: unknown[] = []
    const at = apps.map(({ grpcUrl }) => grpcUrl as string)
    const calls = client(Pilots, { at, grpc: { proto }, onAnswer: (name, { tries }) => answers.push([name, tries]) })
    const input = { ship: 'Iolaire', draught: 4.5 }
    assert.deepEqual(await calls.call(Pilots['guide-in'], input), { ...input, berth: 0, notes: [] })
    assert.deepEqual(answers, [['guide-in', 1]])
    await assert.rejects(calls.call(Pilots['guide-in'], { ship: 'x', draught: 11 }), /aground/)
    await calls.close()
    await client(Pilots, { at, grpc: { proto } }).close()
    const wrong = client(Pilots, { at, grpc: { proto: 'no proto' } })
    await assert.rejects(wrong.call(Pilots['guide-in'], input))
    await wrong.close()
  })

  test('calls go on while one of the instances stops', async () => {
    let done = 0
    const callers = Array.from({ length: 4 }, async () => {
      for (let n = 0; n < 50; n++) {
        await ask(Pilots['guide-in'], { ship: `ship ${n}`, draught: 1 })
        if (++done === 60) await apps[0]?.stop()
      }
    })
    await Promise.all(callers)
    assert.equal(done, 200)
  })
})
