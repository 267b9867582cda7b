import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import type { App } from '../../../app.ts'
import { call } from '../../../call.ts'
import { contract } from '../../../contract.ts'
import { emptyLock, grown } from '../../../contracts/lock.ts'
import { seededRandom } from '../../../ids.ts'
import { service } from '../../../service.ts'
import { start } from '../../../start.ts'

const Echo = contract('echo', {
  events: {},
  calls: { say: call({ input: z.object({ text: z.string() }), output: z.object({ text: z.string() }) }) },
})
const echo = service(Echo)
echo.serve(Echo.say, async (_tx, { input }) => input)

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** A frame of HTTP/2; `length` is what it says of itself. */
function frame(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A message of gRPC; `length` is what it says of itself. */
function message(bytes: Buffer, compressed = 0, length = bytes.length): Buffer {
  const head = Buffer.alloc(5)
  head[0] = compressed
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, bytes])
}

const settings = frame(4, 0, 0, Buffer.alloc(0))
const said = (text: string): Buffer => Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)])

describe('what a gRPC server does with what is no call', () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-grpc-hostile-'))
  let app: App
  let port: number
  before(async () => {
    writeFileSync(join(dir, 'lock.json'), JSON.stringify(grown(emptyLock, [Echo])))
    app = await start([echo], { dir, grpc: { lock: join(dir, 'lock.json') }, graceMs: 2000 })
    port = Number(new URL(app.grpcUrl as string).port)
  })
  after(async () => {
    await app.stop()
    rmSync(dir, { recursive: true })
  })

  async function onSession<T>(work: (session: ClientHttp2Session) => Promise<T>): Promise<T> {
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    session.on('error', () => {})
    try {
      return await work(session)
    } finally {
      session.destroy()
    }
  }

  interface Ended {
    readonly status: string | undefined
  }

  /** Sends a body to the method, and says how the stream ended: with the status of gRPC, if there was one. */
  function send(session: ClientHttp2Session, body: Buffer, more: Record<string, string> = {}): Promise<Ended> {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/echo.Echo/Say', te: 'trailers', 'content-type': 'application/grpc' },
      ...more,
    })
    let status: string | undefined
    const note = (headers: Record<string, unknown>): void => {
      status ??= headers['grpc-status'] as string | undefined
    }
    stream
      .on('response', note)
      .on('trailers', note)
      .on('error', () => {})
      .resume()
    stream.end(body)
    return new Promise((resolve) => stream.once('close', () => resolve({ status })))
  }

  const works = (): Promise<void> =>
    onSession(async (session) => assert.equal((await send(session, message(said('hello')))).status, '0'))

  test('messages that are none, or not what they say, are refused by a status, and the connection goes on', async () => {
    await onSession(async (session) => {
      // 3 is INVALID_ARGUMENT, 8 RESOURCE_EXHAUSTED, 12 UNIMPLEMENTED; 13, a fault of the server, is the library's word for a timeout.
      const wrong: [what: string, status: string | undefined, body: Buffer, more?: Record<string, string>][] = [
        ['no message at all', '12', Buffer.alloc(0)],
        ['half a head', '12', Buffer.from([0, 0])],
        ['less than it says', '12', message(said('hello'), 0, 100)],
        ['more than is read', '8', message(Buffer.alloc(10), 0, 0xffffffff)],
        ['far too much', '8', message(Buffer.alloc(1_500_000, 65))],
        ['no protobuf', '3', message(Buffer.from([0xff, 0xff, 0xff, 0xff]))],
        ['a field that ends too early', '3', message(Buffer.from([0x0a, 0x7f, 0x41]))],
        ['a number without end', '3', message(Buffer.from([0x08, ...Array(12).fill(0xff)]))],
        ['a group without end', '3', message(Buffer.from([0x0b, 0x0b, 0x0b]))],
        ['two of them', '12', Buffer.concat([message(said('a')), message(said('b'))])],
        ['an unknown encoding', '12', message(said('hello'), 1), { 'grpc-encoding': 'zip' }],
        ['a timeout that is none', '13', message(said('hello')), { 'grpc-timeout': 'soon' }],
        ['a key that is none', '3', message(said('hello')), { 'idempotency-key': 'a b' }],
        ['an unknown method', '12', message(said('hello')), { ':path': '/echo.Echo/Shout' }],
        ['another type', undefined, message(said('hello')), { 'content-type': 'text/html' }],
      ]
      for (const [what, status, body, more] of wrong) {
        assert.deepEqual([what, (await send(session, body, more)).status], [what, status])
        assert.equal((await send(session, message(said('hello')))).status, '0', `after ${what}`)
      }
    })
  })

  /** Sends bytes, and waits until the other side ends the connection. */
  async function cutOff(what: string, ...bytes: (string | Buffer)[]): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    socket.resume().on('error', () => {})
    for (const part of bytes) socket.write(part)
    await once(socket, 'close').catch(() => assert.fail(what))
  }

  test('frames that are malformed or too long end their connection, and no other', async () => {
    const random = seededRandom('frames')
    const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
    await onSession(async (session) => {
      await cutOff('another protocol', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      await cutOff('a preface that goes wrong', preface.replace('SM', 'XX'))
      await cutOff('a frame that is too long', preface, settings, frame(0, 0, 1, Buffer.alloc(100), 0xffffff))
      await cutOff('data of no stream', preface, settings, frame(0, 0, 0, Buffer.alloc(8)))
      await cutOff('settings of an odd length', preface, frame(4, 0, 0, Buffer.alloc(5)))
      await cutOff('headers that cannot be unpacked', preface, settings, frame(1, 5, 1, Buffer.alloc(64, 0xff)))
      await cutOff('a continuation of nothing', preface, settings, frame(9, 4, 1, Buffer.alloc(8)))
      await cutOff(
        'a window that is too large',
        preface,
        settings,
        frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      )
      for (let n = 0; n < 200; n++)
        await cutOff(`noise ${n}`, preface, settings, frame(0, 0, 0, noise(1 + (n % 50))), noise(64))
      assert.equal((await send(session, message(said('hello')))).status, '0')
    })
    await works()
  })
})
