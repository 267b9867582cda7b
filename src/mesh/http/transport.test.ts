import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { Lost, type Target, type WireRequest } from '../transport.ts'
import { HttpTransport, type HttpTransportOptions } from './transport.ts'

const never = new AbortController().signal
const get: WireRequest = { method: 'GET', path: '/x?n=1', headers: { a: 'b' }, body: new Uint8Array() }
const post = (text: string): WireRequest => ({ ...get, method: 'POST', body: Buffer.from(text) })
const textOf = ({ body }: { body: Uint8Array }): string => Buffer.from(body).toString()
const lost =
  (how: Lost['how'], message = /./) =>
  (error: unknown) =>
    error instanceof Lost && error.how === how && message.test(error.message)

async function between(
  listener: RequestListener,
  work: (transport: HttpTransport, target: Target, server: Server) => Promise<void>,
  { socket, ...options }: HttpTransportOptions & { readonly socket?: string } = {},
): Promise<void> {
  const server = createServer(listener).listen(socket ? { path: socket } : { port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = (socket ? { port: 0 } : server.address()) as AddressInfo
  const transport = new HttpTransport(options)
  try {
    await work(transport, { id: 'a', address: socket ? `unix:${socket}` : `http://127.0.0.1:${port}` }, server)
  } finally {
    await transport.close()
    server.closeAllConnections()
    server.close()
  }
}

describe('HTTP transport', () => {
  test('requests and answers go through whole, over connections that are used again', async () => {
    const ports = new Set<number | undefined>()
    await between(
      async (request, response) => {
        ports.add(request.socket.remotePort)
        const body = await buffer(request)
        response.setHeader('set-cookie', ['c=1', 'd=2'])
        response.writeHead(201, { b: request.headers.a as string })
        response.end(`${request.method} ${request.url} ${body.toString()}`)
      },
      async (transport, target) => {
        for (let n = 0; n < 20; n++) {
          const answer = await transport.send(target, post(`body ${n}`), never)
          assert.deepEqual([answer.status, textOf(answer)], [201, `POST /x?n=1 body ${n}`])
          assert.deepEqual([answer.headers.b, answer.headers['set-cookie']], ['b', 'c=1, d=2'])
        }
        assert.equal(textOf(await transport.send(target, get, never)), 'GET /x?n=1 ')
        assert.ok(ports.size <= 2)
      },
    )
  })

  test('many at once share the connections there may be', async () => {
    const ports = new Set<number | undefined>()
    await between(
      (request, response) => {
        ports.add(request.socket.remotePort)
        setImmediate(() => response.end(request.headers.a))
      },
      async (transport, target) => {
        const numbers = Array.from({ length: 100 }, (_, n) => String(n))
        const answers = await Promise.all(
          numbers.map((n) => transport.send(target, { ...get, headers: { a: n } }, never)),
        )
        assert.deepEqual(answers.map(textOf), numbers)
        assert.ok(ports.size <= 4)
      },
      { connections: 4 },
    )
  })

  test('Unix sockets are spoken to, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skerry-http-'))
    await between(
      (_, response) => void response.end('by socket'),
      async (transport, target) => assert.equal(textOf(await transport.send(target, get, never)), 'by socket'),
      { socket: join(folder, 's') },
    )
    await rm(folder, { recursive: true })
  })

  test('where nobody listens nothing was handled; where a connection ends in the middle nobody knows', async () => {
    await between(
      (request, response) => {
        if (request.method === 'POST') response.write('a part')
        request.socket.resetAndDestroy()
      },
      async (transport, target, server) => {
        await assert.rejects(transport.send(target, get, never), lost('reset', /^http:\/\/127/))
        await assert.rejects(transport.send(target, post('x'), never), lost('reset'))
        server.close()
        await assert.rejects(transport.send(target, get, never), lost('connect'))
      },
    )
  })

  test('who gives up hears its reason at once, and the server sees the connection end', async () => {
    const gone = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    await between(
      (_, response) => {
        response.on('close', gone.resolve)
        begun.resolve()
      },
      async (transport, target) => {
        const abort = new AbortController()
        const sent = transport.send(target, get, abort.signal)
        await begun.promise
        const reason = new Error('enough')
        abort.abort(reason)
        await assert.rejects(sent, (error) => error === reason)
        await gone.promise
        await assert.rejects(transport.send(target, get, AbortSignal.abort(reason)), (error) => error === reason)
      },
    )
  })

  test('an answer that is too long is not read to its end', async () => {
    await between(
      (_, response) => void response.end('x'.repeat(2000)),
      async (transport, target) => {
        await assert.rejects(transport.send(target, get, never), lost('reset', /more than 1000 bytes/))
      },
      { maxBytes: 1000 },
    )
  })

  test('connections to endpoints that are gone are closed, once what is under way there has ended', async () => {
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    await between(
      async (request, response) => {
        begun.resolve()
        await gate.promise
        request.socket.once('close', () => closed.resolve())
        response.end('to the end')
      },
      async (transport, target) => {
        const sent = transport.send(target, get, never)
        await begun.promise
        transport.keepOnly([])
        gate.resolve()
        assert.equal(textOf(await sent), 'to the end')
        await closed.promise
      },
    )
  })
})

const closed = Promise.withResolvers<void>()
