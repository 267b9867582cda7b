import assert from 'node:assert/strict'
import { createServer } from 'node:http2'
import { type AddressInfo, createServer as createPlain, type Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import { type handleUnaryCall, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { systemClock } from '../../time.ts'
import { Lost, type Target, type WireAnswer, type WireRequest } from '../transport.ts'
import { GrpcTransport } from './transport.ts'

const bytes = (value: Buffer): Buffer => value
const never = new AbortController().signal
const lost = (how: Lost['how']) => (error: unknown) => error instanceof Lost && error.how === how
const asking = (text: string, headers: Readonly<Record<string, string>> = {}): WireRequest => ({
  ...{ method: 'POST', path: '/harbour.Pilot/Ask', headers, body: Buffer.from(text) },
})
const textOf = ({ body }: WireAnswer): string => Buffer.from(body).toString()

async function listening(server: Server): Promise<Target> {
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, at: number): void => (error ? reject(error) : resolve(at))
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound)
  })
  return { id: `at-${port}`, address: `grpc://127.0.0.1:${port}` }
}

function serverOf(answer: handleUnaryCall<Buffer, Buffer>): Server {
  const server = new Server()
  const shape = { path: '/harbour.Pilot/Ask', requestStream: false, responseStream: false } as const
  const codec = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes }
  server.addService({ Ask: { ...shape, ...codec, responseDeserialize: bytes } }, { Ask: answer })
  return server
}

describe('calls to a plain gRPC server', () => {
  const transport = new GrpcTransport({ clock: systemClock })
  const servers: Server[] = []
  after(async () => {
    await transport.close()
    for (const server of servers) server.forceShutdown()
  })
  const to = (answer: handleUnaryCall<Buffer, Buffer>): Promise<Target> => {
    const server = serverOf(answer)
    servers.push(server)
    return listening(server)
  }

  test('messages, metadata and the time that is left arrive', async () => {
    const heard: unknown[] = []
    const target = await to((call, done) => {
      const { metadata } = call
      const left = Number(call.getDeadline()) - systemClock.wall()
      heard.push(metadata.get('traceparent')[0], String(metadata.get('x-bin')[0]), left > 1000 && left <= 5000)
      const trailers = new Metadata()
      trailers.set('server-timing', 'skerry-request;dur=1')
      done(null, Buffer.from(`${call.request} ahoy`), trailers)
    })
    const headers = { traceparent: 'a', 'x-bin': Buffer.from('raw').toString('base64'), 'skerry-timeout-ms': '5000' }
    const answer = await transport.send(target, asking('ship', headers), never)
    assert.deepEqual(heard, ['a', 'raw', true])
    assert.deepEqual([answer.status, textOf(answer)], [200, 'ship ahoy'])
    assert.deepEqual(answer.headers, { 'grpc-status': '0', 'server-timing': 'skerry-request;dur=1' })
  })

  test('a status of gRPC is the status of HTTP that fits, and a problem document with our code', async () => {
    const cases = [
      [status.NOT_FOUND, 404, 'not_found'],
      [status.UNAVAILABLE, 503, 'unavailable'],
      [status.RESOURCE_EXHAUSTED, 503, 'overloaded'],
      [status.DEADLINE_EXCEEDED, 504, 'deadline_exceeded'],
      [status.UNAUTHENTICATED, 403, 'unauthorized'],
      [status.INTERNAL, 500, 'failed'],
    ] as const
    const target = await to((call, done) => {
      const metadata = new Metadata()
      metadata.set('grpc-retry-pushback-ms', '150')
      done({ code: Number(String(call.request)), details: 'aground', metadata })
    })
    for (const [code, http, ours] of cases) {
      const answer = await transport.send(target, asking(String(code)), never)
      const { detail, code: said } = JSON.parse(textOf(answer))
      assert.deepEqual(
        [answer.status, answer.headers['grpc-status'], said, detail],
        [http, String(code), ours, 'aground'],
      )
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      assert.equal(answer.headers['grpc-retry-pushback-ms'], '150')
    }
    const unknown = await transport.send(target, { ...asking('x'), path: '/harbour.Pilot/Other' }, never)
    assert.deepEqual([unknown.status, unknown.headers['grpc-status']], [405, '12'])
  })

  test('who gives up frees the handler', async () => {
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const target = await to((call) => {
      call.once('cancelled', () => ended.resolve())
      begun.resolve()
    })
    const abort = new AbortController()
    const rejected = assert.rejects(transport.send(target, asking('x'), abort.signal), /enough/)
    await begun.promise
    abort.abort(new Error('enough'))
    await rejected
    await ended.promise
    await assert.rejects(transport.send(target, asking('x'), abort.signal), /enough/)
  })

  test('where nobody listens nothing was sent, and it is found out at once; later it is tried again', async () => {
    const server = serverOf((_, done) => done(null, Buffer.from('back')))
    const target = await listening(server)
    server.forceShutdown()
    await assert.rejects(transport.send(target, asking('x'), never), lost('connect'))
    const again = serverOf((_, done) => done(null, Buffer.from('back')))
    servers.push(again)
    const { host } = new URL(target.address)
    await new Promise<void>((resolve) => again.bindAsync(host, ServerCredentials.createInsecure(), () => resolve()))
    for (;;) {
      const answer = await transport.send(target, asking('x'), never).catch((error) => {
        assert.ok(lost('connect')(error), String(error))
      })
      if (answer) return assert.equal(textOf(answer), 'back')
      await new Promise(setImmediate)
    }
  })

  test('a server that dies leaves everybody in doubt; one that says nothing is given up in time', async () => {
    const begun = Promise.withResolvers<void>()
    const server = serverOf(() => begun.resolve())
    const target = await listening(server)
    const rejected = assert.rejects(transport.send(target, asking('x'), never), lost('reset'))
    await begun.promise
    server.forceShutdown()
    await rejected
    const sockets: Socket[] = []
    const silent = createPlain((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const hasty = new GrpcTransport({ clock: systemClock, connectTimeoutMs: 50 })
    const { port } = silent.address() as AddressInfo
    const mute = { id: 'mute', address: `grpc://127.0.0.1:${port}` }
    await assert.rejects(hasty.send(mute, asking('x'), never), lost('connect'))
    await hasty.close()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => silent.close(resolve))
  })

  test('what is no gRPC is no answer', async () => {
    const odd = createServer((_, response) => response.writeHead(404).end('no such page'))
    odd.listen(0, '127.0.0.1')
    await new Promise((resolve) => odd.once('listening', resolve))
    const { port } = odd.address() as AddressInfo
    const other = new GrpcTransport({ clock: systemClock })
    const answer = await other.send({ id: 'odd', address: `grpc://127.0.0.1:${port}` }, asking('x'), never)
    assert.ok(answer.status >= 400)
    await other.close()
    await new Promise((resolve) => odd.close(resolve))
    await assert.rejects(
      other.send({ id: 'h', address: 'http://127.0.0.1:1' }, asking('x'), never),
      /grpc:\/\/host:port/,
    )
  })
})
