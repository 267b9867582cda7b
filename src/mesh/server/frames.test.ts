import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { App } from '../../app.ts'
import { start } from '../../start.ts'
import { systemClock } from '../../time.ts'
import { FrameTransport } from '../frames/transport.ts'
import type { WireAnswer } from '../transport.ts'
import { shop } from './http/fixture.ts'

const never = new AbortController().signal
const lines = [{ sku: 'teapot', n: 2 }]

describe('calls by frames', () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-frames-'))
  const transport = new FrameTransport({ clock: systemClock })
  let app: App
  before(async () => {
    app = await start([shop()], { dir, frames: '127.0.0.1:0', graceMs: 2000 })
  })
  after(async () => {
    await transport.close()
    await app.stop()
    rmSync(dir, { recursive: true })
  })

  async function ask(method: string, path: string, json?: unknown, headers: Record<string, string> = {}) {
    const body = Buffer.from(json === undefined ? '' : JSON.stringify(json))
    const type: Record<string, string> = json === undefined ? {} : { 'content-type': 'application/json' }
    const request = { method, path, headers: { ...type, ...headers }, body }
    const answer: WireAnswer = await transport.send({ id: 'a', address: app.framesUrl as string }, request, never)
    // biome-ignore lint/suspicious/noExplicitAny: any JSON
    return { ...answer, json: JSON.parse(Buffer.from(answer.body).toString()) as any }
  }

  test('are answered as over HTTP: fields in path, query and body, keys, timing', async () => {
    assert.match(app.framesUrl ?? '', /^tcp:\/\/127\.0\.0\.1:\d+$/)
    const key = { 'idempotency-key': '"order-8"' }
    const placed = await ask('POST', '/orders', { lines }, key)
    assert.deepEqual([placed.status, placed.json.lines], [200, lines])
    assert.match(placed.headers['server-timing'] ?? '', /^skerry-request;dur=/)
    assert.equal((await ask('POST', '/orders', { lines }, key)).json.id, placed.json.id)
    assert.deepEqual((await ask('PUT', '/orders/a%2Fb', { lines })).json, { id: 'a/b', lines })
    assert.deepEqual((await ask('GET', '/orders/a%2Fb?full=false')).json, { id: 'a/b', lines: [] })
    assert.deepEqual((await ask('GET', '/orders?least=3&tags=x&tags=y+z')).json.tags, ['x', 'y z'])
  })

  test('are refused as over HTTP, with problem documents', async () => {
    const sold = await ask('POST', '/orders', { lines: [{ sku: 'gone' }] })
    assert.deepEqual(
      [sold.status, sold.headers['content-type'], sold.json.reason],
      [409, 'application/problem+json', 'soldOut'],
    )
    const codes: [string, string, unknown, Record<string, string>, number][] = [
      ['GET', '/nowhere', undefined, {}, 404],
      ['DELETE', '/orders', undefined, {}, 405],
      ['GET', '/orders/%ff', undefined, {}, 400],
      ['GET', '/orders?least=three', undefined, {}, 400],
      ['POST', '/orders', {}, {}, 400],
      ['POST', '/orders', { lines }, { 'content-type': 'text/plain' }, 415],
      ['POST', '/orders', { lines }, { 'content-type': 'application/json; charset=latin1' }, 415],
      ['POST', '/orders', { lines }, { 'content-encoding': 'gzip' }, 415],
      ['POST', '/orders', { lines }, { 'skerry-timeout-ms': 'soon' }, 400],
      ['POST', '/shop/secret', {}, {}, 403],
      ['POST', '/shop/fail', {}, {}, 500],
      ['GET', '/metrics', undefined, {}, 404],
    ]
    for (const [method, path, json, headers, status] of codes) {
      const answer = await ask(method, path, json, headers)
      assert.deepEqual([answer.status, answer.json.status], [status, status], `${method} ${path}`)
    }
    assert.equal((await ask('POST', '/shop/wait', { ms: 1000 }, { 'skerry-timeout-ms': '20' })).status, 504)
  })

  test('whoever speaks something else is cut off, and the others go on', async () => {
    const { port } = new URL(app.framesUrl as string)
    for (const bytes of ['GET / HTTP/1.1\r\nhost: x\r\n\r\n', Buffer.alloc(64, 255)]) {
      const socket = connect(Number(port), '127.0.0.1')
      socket.resume().on('error', () => {})
      socket.write(bytes)
      await new Promise((resolve) => socket.once('close', resolve))
    }
    assert.equal((await ask('GET', '/orders')).status, 200)
  })

  test('a socket of its own is closed to other users, and its name goes when the app stops', async () => {
    const path = join(dir, 'orders.frames')
    const other = await start([shop()], { dir: join(dir, 'other'), frames: `unix:${path}`, graceMs: 2000 })
    assert.equal(other.framesUrl, `unix:${path}`)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const own = new FrameTransport({ clock: systemClock })
    const request = { method: 'GET', path: '/orders', headers: {}, body: new Uint8Array() }
    assert.equal((await own.send({ id: 'b', address: other.framesUrl as string }, request, never)).status, 200)
    await other.stop()
    assert.equal(statSync(path, { throwIfNoEntry: false }), undefined)
    await assert.rejects(own.send({ id: 'b', address: `unix:${path}` }, request, never), { how: 'connect' })
    await own.close()
  })

  test('an address in use is refused, and nothing is left behind', async () => {
    const { port } = new URL(app.framesUrl as string)
    await assert.rejects(start([shop()], { dir: join(dir, 'third'), frames: port }), {
      code: 'invalid_config',
      message: /^tcp:\/\/127\.0\.0\.1:\d+ is in use by another process; choose another address$/,
    })
  })
})
