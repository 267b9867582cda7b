import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Client, credentials, loadPackageDefinition, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { load } from '@grpc/proto-loader'
import { service as healthService } from 'grpc-health-check'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { call } from '../../../call.ts'
import { contract } from '../../../contract.ts'
import { emptyLock, grown } from '../../../contracts/lock.ts'
import { protoOf } from '../../../contracts/proto.ts'
import { service } from '../../../service.ts'
import { start } from '../../../start.ts'

const Line = z.object({ sku: z.string(), n: z.int().min(1).default(1) })

const Shop = contract('web-shop', {
  events: {},
  calls: {
    place: call({
      input: z.object({
        lines: z.array(Line).min(1),
        note: z.string().nullable(),
        tags: z.record(z.string(), z.number()),
      }),
      output: z.object({
        id: z.string(),
        lines: z.array(Line),
        note: z.string().nullable(),
        tags: z.record(z.string(), z.number()),
      }),
      errors: { soldOut: { data: z.object({ sku: z.string() }) } },
    }),
    'count-all': call({ input: z.object({}), output: z.object({ n: z.int() }), readOnly: true }),
    secret: call({ input: z.object({}), output: z.object({}), from: ['till'] }),
    wait: call({ input: z.object({}), output: z.object({}) }),
    fail: call({ input: z.object({}), output: z.object({}) }),
  },
})

const sql = 'create table orders (id text primary key)'
const shop = service(Shop, { migrations: [{ number: 1, name: 'orders', sql, additive: true }] })
shop.serve(Shop.place, async (tx, { input }) => {
  const gone = input.lines.find(({ sku }) => sku === 'gone')
  if (gone) throw Shop.place.refuse('soldOut', { sku: gone.sku })
  const id = tx.id()
  await tx.sql`insert into orders (id) values (${id})`
  return { id, ...input }
})
shop.serve(Shop['count-all'], async (tx) => ({ n: (await tx.sql`select id from orders`).length }))
shop.serve(Shop.secret, () => ({}))
shop.serve(Shop.wait, {
  prepare: (ctx) => new Promise<undefined>((end) => ctx.signal.addEventListener('abort', () => end(undefined))),
  handle: () => ({}),
})
shop.serve(Shop.fail, () => {
  throw new Error('the password is 1234')
})

type Method = (request: object, ...rest: unknown[]) => void

describe('calls over gRPC', () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-grpc-'))
  const file = join(dir, 'shop.proto')
  const lock = grown(emptyLock, [Shop])
  const clients: Client[] = []
  let app: App
  let address: string

  before(async () => {
    writeFileSync(join(dir, 'lock.json'), JSON.stringify(lock))
    writeFileSync(file, protoOf(Shop, lock.services['web-shop']?.numbers ?? {}))
    app = await start([shop], { dir, grpc: { lock: join(dir, 'lock.json') } })
    address = (app.grpcUrl as string).replace('grpc://', '')
  })
  after(async () => {
    for (const client of clients) client.close()
    await app.stop()
    rmSync(dir, { recursive: true })
  })

  /** A client that knows nothing but a `.proto`, as any language would have. */
  async function clientOf(proto: string, ...path: string[]): Promise<Client & Record<string, Method>> {
    const options = { keepCase: true, longs: Number, defaults: true, includeDirs: [dirname(proto)] }
    let found: unknown = loadPackageDefinition(await load(proto, options))
    for (const name of path) found = (found as Record<string, unknown>)[name]
    const client = new (found as typeof Client)(address, credentials.createInsecure())
    clients.push(client)
    return client as Client & Record<string, Method>
  }

  async function ask(method: string, request: object, headers: Record<string, string> = {}, deadlineMs = 5000) {
    const client = await clientOf(file, 'web_shop', 'WebShop')
    const metadata = new Metadata()
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
    const options = { deadline: Date.now() + deadlineMs }
    // biome-ignore lint/suspicious/noExplicitAny: whatever the answer holds
    return new Promise<any>((resolve, reject) => {
      client[method]?.(request, metadata, options, (error: unknown, answer: unknown) =>
        error ? reject(error) : resolve(answer),
      )
    })
  }

  const order = { lines: [{ sku: 'teapot', n: 2 }, { sku: 'kettle' }], tags: { gbp: 1.5 } }
  const failure = (method: string, request: object, ...rest: [headers?: Record<string, string>, deadlineMs?: number]) =>
    ask(method, request, ...rest).then(
      () => assert.fail('it was answered'),
      (error: ServiceError) => error,
    )

  test('a call is answered; what is missing has its default, or is null', async () => {
    const answer = await ask('place', { ...order, note: 'x' })
    assert.deepEqual(answer.lines, [
      { sku: 'teapot', n: 2 },
      { sku: 'kettle', n: 1 },
    ])
    assert.deepEqual([answer.note, answer.tags], ['x', { gbp: 1.5 }])
    assert.ok(!('note' in (await ask('place', order))))
    assert.equal((await ask('countAll', {})).n, 2)
  })

  test('an idempotency key makes one effect of two calls', async () => {
    const key = { 'idempotency-key': '"a"' }
    const first = await ask('place', order, key)
    assert.equal((await ask('place', order, key)).id, first.id)
    assert.equal((await failure('place', { ...order, note: 'other' }, key)).code, status.INVALID_ARGUMENT)
  })

  test('what goes wrong has a status, and the problem document with it', async () => {
    const sold = await failure('place', { ...order, lines: [{ sku: 'gone' }] })
    assert.match(
      String(sold.metadata.get('server-timing')[0]),
      /^skerry-request;dur=[\d.]+, skerry-response;dur=[\d.]+$/,
    )
    assert.deepEqual([sold.code, sold.details], [status.FAILED_PRECONDITION, 'web-shop.place: soldOut'])
    const [problem] = sold.metadata.get('skerry-problem-bin')
    const said = JSON.parse(String(problem))
    assert.deepEqual([said.reason, said.data], ['soldOut', { sku: 'gone' }])
    assert.equal((await failure('place', {})).code, status.INVALID_ARGUMENT)
    assert.equal((await failure('secret', {})).code, status.PERMISSION_DENIED)
    await ask('secret', {}, { 'skerry-from': 'till' })
    const fault = await failure('fail', {})
    assert.deepEqual([fault.code, fault.details], [status.INTERNAL, 'a fault of the service; its log tells more'])
    assert.equal((await failure('wait', {}, {}, 50)).code, status.DEADLINE_EXCEEDED)
    const large = { ...order, note: 'x'.repeat(2_000_000) }
    assert.equal((await failure('place', large)).code, status.RESOURCE_EXHAUSTED)
    assert.equal((await failure('place', { ...order, note: 'a\0b' })).code, status.INVALID_ARGUMENT)
  })

  test('the standard health service says that it serves', async () => {
    const client = new Client(address, credentials.createInsecure())
    clients.push(client)
    const { Check } = healthService as unknown as Record<
      string,
      { path: string; requestSerialize: (value: object) => Buffer; responseDeserialize: (bytes: Buffer) => object }
    >
    const check = (name: string): Promise<object> =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = Check as NonNullable<typeof Check>
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: name }, (error, answer) =>
          error ? reject(error) : resolve(answer as object),
        )
      })
    assert.deepEqual(await check(''), { status: 'SERVING' })
    assert.deepEqual(await check('web_shop.WebShop'), { status: 'SERVING' })
    await assert.rejects(check('other'), { code: status.NOT_FOUND })
  })

  test('reflection names the services, and has their files', async () => {
    const home = dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json'))
    const proto = join(home, 'build/proto/grpc/reflection/v1/reflection.proto')
    const client = await clientOf(proto, 'grpc', 'reflection', 'v1', 'ServerReflection')
    // biome-ignore lint/suspicious/noExplicitAny: a stream of whatever reflection answers
    const stream = (client.ServerReflectionInfo as unknown as () => any).call(client)
    const answers: Record<string, unknown>[] = []
    const ended = new Promise((resolve) => stream.on('end', resolve))
    stream.on('data', (one: Record<string, unknown>) => answers.push(one))
    stream.write({ list_services: '' })
    stream.write({ file_containing_symbol: 'web_shop.WebShop' })
    stream.end()
    await ended
    const [listed, described] = answers as [{ list_services_response: { service: { name: string }[] } }, never]
    const names = listed.list_services_response.service.map(({ name }) => name)
    assert.ok(names.includes('web_shop.WebShop'), `${names}`)
    const { file_descriptor_proto } = (described as { file_descriptor_response: { file_descriptor_proto: Buffer[] } })
      .file_descriptor_response
    assert.ok(file_descriptor_proto.some((bytes) => bytes.includes('PlaceRequest')))
  })

  test('without a lock, or with one that lacks a number, there is no start', async () => {
    const other = mkdtempSync(join(tmpdir(), 'skerry-grpc-'))
    await assert.rejects(start([shop], { dir: other, grpc: { lock: join(other, 'none') } }), /skerry contracts lock/)
    writeFileSync(join(other, 'empty'), JSON.stringify(emptyLock))
    await assert.rejects(
      start([shop], { dir: other, grpc: { lock: join(other, 'empty') } }),
      /has no number in the lock/,
    )
    const { port } = new URL(app.grpcUrl as string)
    await assert.rejects(
      start([shop], { dir: other, grpc: { address: port, lock: join(dir, 'lock.json') } }),
      /cannot listen/,
    )
    rmSync(other, { recursive: true })
  })
})
