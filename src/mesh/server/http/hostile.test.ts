import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { RandomRequests } from '../../../../test/hostile/requests.ts'
import { seededRandom } from '../../../ids.ts'
import { type Open, openShop, sendRaw } from './fixture.ts'

const count = 100_000

describe('what a server does with requests that are none', () => {
  let open: Open
  before(async () => {
    open = await openShop({ requestMs: 500 })
  })
  after(() => open.close())

  const json = 'content-type: application/json\r\n'
  const request = (head: string, body = ''): string => `${head}\r\nhost: shop\r\nconnection: close\r\n${body}`
  const posted = (more: string, body: string): string =>
    request('POST /shop/echo HTTP/1.1', `${json}${more}\r\n${body}`)
  const sized = (body: string): string => posted(`content-length: ${Buffer.byteLength(body)}\r\n`, body)

  async function refused(status: number, ...parts: (string | Uint8Array)[]): Promise<void> {
    const { text } = await sendRaw(open.port, ...parts)
    const [, got] = /^HTTP\/1\.1 (\d+)/.exec(text) ?? []
    assert.equal(Number(got), status, `${JSON.stringify(String(parts[0]).slice(0, 200))} → ${text.slice(0, 400)}`)
    assert.match(text, /\r\ncontent-type: application\/problem\+json\r\n/i)
    const body = text.slice(text.lastIndexOf('\r\n\r\n') + 4)
    assert.equal(JSON.parse(body).status, status)
  }

  test('bodies that are no JSON, or not what the call wants', async () => {
    await refused(400, sized('{"a":'))
    await refused(400, sized('{a:1}'))
    await refused(400, sized('{"__proto__":{}}'))
    await refused(400, sized('['.repeat(100_000)))
    await refused(400, sized(`${'['.repeat(1000)}${']'.repeat(1000)}`))
    await refused(400, posted('content-length: 3\r\n', ''), Uint8Array.of(0x22, 0xff, 0x22))
    const wrong = '{"lines":"none"}'
    await refused(400, request('POST /orders HTTP/1.1', `${json}content-length: ${wrong.length}\r\n\r\n${wrong}`))
  })

  test('bodies that are too large, encoded, of an unknown type, or incomplete', async () => {
    await refused(413, posted('content-length: 2000000\r\n', ''))
    await refused(415, posted('content-encoding: gzip\r\ncontent-length: 2\r\n', '{}'))
    await refused(415, request('POST /shop/echo HTTP/1.1', 'content-type: text/xml\r\ncontent-length: 2\r\n\r\n{}'))
    await refused(415, request('POST /shop/echo HTTP/1.1', 'content-length: 2\r\n\r\n{}'))
    const latin = 'content-type: application/json; charset=latin1\r\ncontent-length: 2\r\n\r\n{}'
    await refused(415, request('POST /shop/echo HTTP/1.1', latin))
  })

  test('requests that two readers could understand in two ways', async () => {
    await refused(400, posted('content-length: 2\r\ncontent-length: 3\r\n', '{}'))
    await refused(400, posted('content-length: 2\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'))
    await refused(400, posted('transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n', '0\r\n\r\n'))
    await refused(400, posted('transfer-encoding: xchunked\r\n', '0\r\n\r\n'))
    await refused(400, posted('transfer-encoding : chunked\r\n', '0\r\n\r\n'))
    await refused(400, posted('transfer-encoding: chunked\r\n', 'zz\r\n{}\r\n0\r\n\r\n'))
    await refused(400, posted('content-length: +2\r\n', '{}'))
    await refused(400, posted('host: other\r\ncontent-length: 2\r\n', '{}'))
    await refused(400, posted('idempotency-key: a\r\nidempotency-key: b\r\ncontent-length: 2\r\n', '{}'))
    await refused(400, posted(' folded: x\r\ncontent-length: 2\r\n', '{}'))
    await refused(400, 'GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n')
    await refused(400, 'GET /livez HTTP/1.1\nhost: shop\n\n\0')
  })

  test('paths that lead elsewhere, and methods that are none', async () => {
    await refused(404, request('GET /../../etc/passwd HTTP/1.1', '\r\n'))
    await refused(404, request('GET /orders/../livez HTTP/1.1', '\r\n'))
    await refused(400, request('GET /orders/%zz HTTP/1.1', '\r\n'))
    await refused(400, request('GET /orders/a%00b HTTP/1.1', '\r\n'))
    await refused(404, request('PROPFIND /nowhere HTTP/1.1', '\r\n'))
    await refused(400, request('HELLO /livez HTTP/1.1', '\r\n'))
    await refused(431, request('GET /livez HTTP/1.1', `x: ${'y'.repeat(20_000)}\r\n\r\n`))
  })

  test('whoever is slow is cut off: with nothing said, in the headers, in the body', async () => {
    const { text, ended } = await sendRaw(open.port)
    assert.deepEqual([text, ended], ['', 'end'])
    await refused(408, 'GET /livez HTTP/1.1\r\nhost: shop\r\nx: ')
    await refused(408, posted('content-length: 10\r\n', '{"a":'))
    assert.match((await sendRaw(open.port, 'PR')).text, /^$/)
  })

  test('what looks like HTTP/2 and is not ends its connection', async () => {
    assert.ok((await sendRaw(open.port, 'PRI * HTTP/1.1\r\n\r\n')).ended)
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
    assert.ok((await sendRaw(open.port, preface, Buffer.alloc(64, 0xff))).ended)
    assert.ok((await sendRaw(open.port, preface, Uint8Array.of(0, 0, 4, 1, 5, 0, 0, 0, 1, 1, 2, 3, 4))).ended)
  })

  test(`${count} random requests: each is answered with 2xx or 4xx, or its connection is closed`, async () => {
    const requests = new RandomRequests(seededRandom('hostile'))
    const statuses = new Map<number, number>()
    let left = count
    const worker = async (): Promise<void> => {
      while (left > 0) {
        const some = Array.from({ length: Math.min(left, 4) }, () => requests.next())
        left -= some.length
        for (const { status, type } of await exchange(open.port, some)) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
          assert.ok(status < 300 || (status >= 400 && status < 500), `${status}; ${open.faults.slice(-3)}`)
          if (status >= 400) assert.equal(type, 'application/problem+json', `${status}`)
        }
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    const answered = [...statuses.values()].reduce((a, b) => a + b)
    assert.ok(answered > count / 10, `${answered} answers`)
    for (const status of [200, 400, 403, 404, 405, 413, 415, 422])
      assert.ok((statuses.get(status) ?? 0) > 0 || status === 413, `nobody got ${status}: ${[...statuses]}`)
    const metrics = await (await fetch(`${open.url}/metrics`)).text()
    assert.match(metrics, /skerry_calls_in_flight 0\n/)
  })
})

interface Heard {
  readonly status: number
  readonly type: string | undefined
}

/** Sends requests one behind another on one connection, and reads the answers until it is closed. */
function exchange(port: number, requests: readonly Buffer[]): Promise<Heard[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    const hangs = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end after: ${JSON.stringify(requests.map((one) => one.toString('latin1').slice(0, 300)))}`))
    }, 20_000)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(hangs)
      resolve(answersIn(Buffer.concat(chunks).toString('latin1')))
    })
    socket.end(Buffer.concat(requests))
  })
}

function answersIn(text: string): Heard[] {
  const found: Heard[] = []
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) break
    const head = text.slice(at, end)
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1])
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
    at = end + 4
    if (status < 200) continue
    assert.ok(status > 0, `no answer: ${JSON.stringify(text.slice(Math.max(0, at - 600), at + 200))}`)
    at += length
    found.push({ status, type: /\r\ncontent-type: ([^\r]+)/i.exec(head)?.[1] })
  }
  return found
}
