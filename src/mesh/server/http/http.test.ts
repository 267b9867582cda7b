import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { Validator } from '@seriousme/openapi-schema-validator'
import { missingProgram } from '../../../../test/servers/programs.ts'
import { start } from '../../../start.ts'
import { type Open, openShop, shop } from './fixture.ts'

const run = promisify(execFile)
let open: Open

interface Answer {
  readonly status: number
  readonly type: string
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: any JSON
  readonly body: any
}

async function ask(path: string, init: RequestInit & { json?: unknown } = {}): Promise<Answer> {
  const { json, ...rest } = init
  const body = json === undefined ? {} : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(`${open.url}${path}`, {
    ...body,
    ...rest,
    headers: { ...body.headers, ...(rest.headers as object) },
  })
  const text = await answer.text()
  const type = answer.headers.get('content-type') ?? ''
  return {
    status: answer.status,
    type,
    headers: answer.headers,
    body: type.includes('json') && text !== '' ? JSON.parse(text) : text,
  }
}

const post = (path: string, json: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(path, { method: 'POST', json, headers })
const lines = [{ sku: 'teapot', n: 2 }]

describe('a server of calls', () => {
  before(async () => {
    open = await openShop()
  })
  after(() => open.close())

  describe('calls over HTTP', () => {
    test('a call is answered with what its handler returned', async () => {
      const placed = await post('/orders', { lines })
      assert.equal(placed.status, 200)
      assert.equal(placed.type, 'application/json; charset=utf-8')
      assert.match(placed.headers.get('server-timing') ?? '', /^skerry-request;dur=[\d.]+, skerry-response;dur=[\d.]+$/)
      const viewed = await ask(`/orders/${placed.body.id}`)
      assert.deepEqual(viewed.body, { id: placed.body.id, lines })
    })

    test('fields in path and query become what their schema wants', async () => {
      const changed = await ask('/orders/a%2Fb', { method: 'PUT', json: { lines } })
      assert.deepEqual(changed.body, { id: 'a/b', lines })
      assert.deepEqual((await ask('/orders/a%2Fb?full=false')).body, { id: 'a/b', lines: [] })
      assert.deepEqual((await ask('/orders?least=3&tags=x&tags=y')).body.tags, ['x', 'y'])
      assert.equal((await ask('/orders?least=three')).status, 400)
      assert.equal((await ask('/orders?least=1&least=2')).status, 400)
    })

    test('what is refused by name is a problem of its own, with its data', async () => {
      const { status, type, body } = await post('/orders', { lines: [{ sku: 'gone' }] })
      assert.deepEqual([status, type], [409, 'application/problem+json'])
      assert.deepEqual(body, {
        ...{ title: 'Conflict', status: 409, detail: 'shop.place: soldOut', code: 'refused', reason: 'soldOut' },
        data: { sku: 'gone' },
      })
      assert.equal((await ask('/orders/none')).status, 404)
    })

    test('an idempotency key makes one effect of many calls', async () => {
      const key = { 'idempotency-key': '"order-7"' }
      const first = await post('/orders', { lines }, key)
      const second = await post('/orders', { lines }, key)
      assert.deepEqual([second.status, second.body], [200, first.body])
      const other = await post('/orders', { lines: [{ sku: 'kettle' }] }, key)
      assert.deepEqual([other.status, other.body.code], [422, 'key_reused'])
      assert.equal((await post('/orders', { lines }, { 'idempotency-key': '' })).status, 400)
    })

    test('a deadline that has passed is 504, a caller that is not let in 403', async () => {
      const late = await post('/shop/wait', { ms: 500 }, { 'skerry-timeout-ms': '20' })
      assert.deepEqual([late.status, late.body.code], [504, 'deadline_exceeded'])
      assert.equal((await post('/shop/secret', {})).status, 403)
      assert.equal((await post('/shop/secret', {}, { 'skerry-from': 'till' })).status, 200)
      assert.equal((await post('/shop/secret', {}, { 'skerry-from': 'Till!' })).status, 400)
    })

    test('a fault of the service is told without its words, and reported', async () => {
      const { status, body } = await post('/shop/fail', {})
      assert.deepEqual([status, body.detail], [500, 'a fault of the service; its log tells more'])
      assert.ok(open.faults.includes('shop.fail failed the password is 1234'))
    })

    test('a caller that goes away ends what is being prepared for it', async () => {
      const gone = new AbortController()
      const headers = { 'skerry-timeout-ms': '60000' }
      const asked = { method: 'POST', json: { ms: 60_000 }, headers, signal: gone.signal }
      const left = ask('/shop/wait', asked).catch(() => 'gone')
      while (!(await ask('/metrics')).body.includes('skerry_calls_in_flight 1\n')) await new Promise(setImmediate)
      gone.abort()
      assert.equal(await left, 'gone')
      while (!open.faults.some((one) => one.startsWith('shop.wait cancelled'))) await new Promise(setImmediate)
    })
  })

  describe('what a server tells of itself', () => {
    test('probes, and what is wrong with a path or a method', async () => {
      for (const path of ['/livez', '/readyz', '/startupz']) {
        const { status, body } = await ask(path)
        assert.deepEqual([status, body], [200, 'ok\n'])
      }
      const lost = await ask('/nowhere')
      assert.deepEqual([lost.status, lost.type, lost.body.code], [404, 'application/problem+json', 'not_found'])
      const wrong = await ask('/orders', { method: 'DELETE' })
      assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST, GET, HEAD'])
      assert.equal((await ask('/orders', { method: 'HEAD' })).status, 200)
    })

    test('what is wrong with a body, and what would be right', async () => {
      const detail = async (body: string, headers: Record<string, string>) =>
        (await ask('/orders', { method: 'POST', body, headers })).body.detail
      assert.equal(
        await detail('{}', { 'content-type': 'text/plain' }),
        'content-type text/plain: send application/json',
      )
      const json = { 'content-type': 'application/json' }
      assert.equal(await detail(' '.repeat(1 << 21), json), 'the body has more than 1048576 bytes')
    })

    test('a body that is too large is refused over HTTP/2 as well, and Node warns of nothing', async () => {
      const warnings: string[] = []
      const warned = ({ message }: Error): void => void warnings.push(message)
      process.on('warning', warned)
      const session = connect(open.url)
      const stream = session.request({ ':method': 'POST', ':path': '/orders', 'content-type': 'application/json' })
      stream.on('error', () => {})
      const answered = once(stream, 'response')
      stream.end(Buffer.alloc(1 << 21))
      assert.equal((await answered)[0][':status'], 413)
      session.destroy()
      await new Promise(setImmediate)
      process.off('warning', warned)
      assert.deepEqual(warnings, [])
    })

    test('the description is OpenAPI 3.1', async () => {
      const { body, type } = await ask('/openapi.json')
      assert.equal(type, 'application/json; charset=utf-8')
      const { valid, errors } = await new Validator().validate(body)
      assert.ok(valid, JSON.stringify(errors))
      assert.deepEqual(Object.keys(body.paths['/orders']), ['post', 'get'])
    })

    test('metrics are what Prometheus reads', async () => {
      await ask('/orders')
      const { body, type } = await ask('/metrics')
      assert.match(type, /^text\/plain; version=0\.0\.4/)
      const names = new Set<string>()
      for (const line of (body as string).split('\n')) {
        if (line === '' || line.startsWith('#')) continue
        const [, name, value] = /^([a-z_]\w*)(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? (\S+)$/.exec(line) ?? []
        assert.ok(name && (Number.isFinite(Number(value)) || /^[+-]?(Inf|Nan)$/i.test(value as string)), line)
        names.add(name)
      }
      assert.ok(names.has('skerry_call_seconds_bucket') && names.has('skerry_http_requests_total'))
      assert.ok(names.has('process_resident_memory_bytes') && names.has('skerry_calls_in_flight'))
      assert.match(body, /skerry_call_seconds_count\{call="shop\.find",code="ok"\} \d/)
    })
  })

  describe('curl', { skip: missingProgram('curl') }, () => {
    const curl = async (...args: string[]): Promise<string> => (await run('curl', ['-sS', ...args])).stdout

    test('over HTTP/1.1, over HTTP/2 from the start, and with an offer to change over', async () => {
      const show = ['-w', ' %{http_version} %{http_code}', `${open.url}/readyz`]
      assert.equal(await curl('--http1.1', ...show), 'ok\n 1.1 200')
      assert.equal(await curl('--http2-prior-knowledge', ...show), 'ok\n 2 200')
      assert.equal(await curl('--http2', ...show), 'ok\n 1.1 200')
      assert.equal(await curl('--http1.0', ...show), 'ok\n 1.1 200')
    })

    test('calls over HTTP/2', async () => {
      const json = ['--http2-prior-knowledge', '-H', 'content-type: application/json']
      const answer = await curl(...json, '-d', JSON.stringify({ lines }), `${open.url}/orders`)
      assert.deepEqual(JSON.parse(answer).lines, lines)
      const large = join(mkdtempSync(join(tmpdir(), 'skerry-curl-')), 'large.json')
      writeFileSync(large, JSON.stringify({ text: 'x'.repeat(900_000) }))
      assert.equal((await curl(...json, '-d', `@${large}`, `${open.url}/shop/echo`)).length, 900_011)
      rmSync(join(large, '..'), { recursive: true })
    })

    test('a body that is announced is asked for', async () => {
      const file = join(mkdtempSync(join(tmpdir(), 'skerry-curl-')), 'body.json')
      writeFileSync(file, JSON.stringify({ lines, note: 'x'.repeat(5000) }))
      const expecting = ['-v', '--http1.1', '-H', 'content-type: application/json', '-H', 'expect: 100-continue']
      const { stderr, stdout } = await run('curl', ['-sS', ...expecting, '-d', `@${file}`, `${open.url}/orders`])
      assert.match(stderr, /< HTTP\/1\.1 100 Continue/)
      assert.deepEqual(JSON.parse(stdout).lines, lines)
      rmSync(join(file, '..'), { recursive: true })
    })

    test('over a socket that nobody else may open', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'skerry-socket-'))
      const path = join(dir, 'shop.sock')
      writeFileSync(path, '')
      const other = await openShop({ address: `unix:${path}` })
      try {
        assert.equal(statSync(path).mode & 0o777, 0o600)
        assert.equal(other.url, `unix:${path}`)
        assert.equal(await curl('--unix-socket', path, 'http://shop/readyz'), 'ok\n')
        await assert.rejects(start([shop()], { dir, http: `unix:${path}` }), /invalid_config|in use by another process/)
      } finally {
        await other.close()
      }
      assert.throws(() => statSync(path), /ENOENT/)
      rmSync(dir, { recursive: true })
    })
  })

  test('a port that is taken is named', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'skerry-port-'))
    const taken = { code: 'invalid_config', message: /^http:\/\/127\.0\.0\.1:\d+ is in use by another process/ }
    await assert.rejects(start([shop()], { dir, http: `${open.port}` }), taken)
    rmSync(dir, { recursive: true })
  })

  test('a stop lets what is under way end, and lets nobody else in', async () => {
    const other = await openShop()
    const url = `${other.url}/shop/wait`
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"ms":300}' }
    const waiting = fetch(url, init)
    while (!(await (await fetch(`${other.url}/metrics`)).text()).includes('in_flight 1'))
      await new Promise(setImmediate)
    const stopping = other.close()
    assert.equal((await waiting).status, 200)
    assert.equal((await waiting).headers.get('connection'), 'close')
    await stopping
    await assert.rejects(fetch(url, init))
  })
})
