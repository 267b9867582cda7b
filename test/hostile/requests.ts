import type { Random } from '../../src/ids.ts'

/** Requests as somebody who means no good, or cannot write clients, would send them; the same ones for the same numbers. */
export class RandomRequests {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Bytes of one request; most are almost right. */
  next(): Buffer {
    const [method, path] = this.#route()
    const body = this.#body()
    const headers = this.#headers(body)
    const head = `${method} ${path} ${this.#rarely(() => this.#pick(['HTTP/1.0', 'HTTP/9.9', 'HTTP', '']), 'HTTP/1.1')}\r\n`
    const request = Buffer.concat([Buffer.from(`${head}${headers.join('\r\n')}\r\n\r\n`, 'latin1'), body])
    return this.#chance(0.02) ? this.#spoil(request) : request
  }

  #route(): [method: string, path: string] {
    const [method = '', path = ''] = this.#pick([
      'POST /orders',
      'PUT /orders/{}',
      'GET /orders/{}',
      'GET /orders',
      'POST /shop/echo',
      'POST /shop/secret',
      'GET /livez',
      'GET /openapi.json',
    ]).split(' ')
    const other = (): string => this.#pick(['DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'get', 'P\0ST', 'FETCH', 'PROPFIND'])
    const filled = path.replace('{}', () => this.#segment())
    return [this.#rarely(other, method), this.#rarely(() => this.#strangePath(), filled) + this.#query()]
  }

  #segment(): string {
    return this.#pick(['a', '7', 'a%2Fb', '..', '%2e%2e', '%', '%zz', '%00', '%ff', 'é', ';', '{id}', 'x'.repeat(600)])
  }

  #strangePath(): string {
    const deep = Array.from({ length: 1 + this.#number(6) }, () => this.#segment()).join('/')
    return this.#pick([
      '',
      '*',
      '//',
      `/${deep}`,
      `http://elsewhere/${deep}`,
      `/../../etc/passwd`,
      `/orders/`,
      `/${'y'.repeat(20_000)}`,
    ])
  }

  #query(): string {
    if (this.#chance(0.6)) return ''
    const names = ['sku', 'least', 'tags', 'full', '__proto__', 'constructor', 'a[b]', '', '%ff']
    const values = ['1', 'true', 'x', '', '%', '%00', '%ff', '1e999', '-0', 'é', '[]']
    const pairs = Array.from({ length: 1 + this.#number(4) }, () => `${this.#pick(names)}=${this.#pick(values)}`)
    return `?${pairs.join('&')}`
  }

  #headers(body: Buffer): string[] {
    const headers = this.#chance(0.97) ? ['host: shop'] : []
    if (body.length > 0 || this.#chance(0.5)) headers.push(...this.#framing(body))
    const types = ['text/plain', 'application/xml', 'application/json; charset=latin1', '', 'application/json;;;', 'a']
    headers.push(`content-type: ${this.#chance(0.85) ? 'application/json' : this.#pick(types)}`)
    const strange = [
      'host: other',
      'idempotency-key: "a b"',
      'idempotency-key: ',
      `idempotency-key: k${this.#number(50)}`,
      'skerry-timeout-ms: soon',
      'skerry-timeout-ms: 9999',
      'skerry-from: till',
      'skerry-from: T!ll',
      'traceparent: 00-xyz',
      'content-encoding: gzip',
      'expect: 100-continue',
      'expect: miracles',
      'connection: upgrade\r\nupgrade: websocket',
      'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk',
      'x: \u0001\u0002',
      ' folded: y',
      'no colon',
      ': no name',
      `long: ${'z'.repeat(this.#number(20_000))}`,
      'transfer-encoding: chunked',
      'transfer-encoding : chunked',
      'transfer-encoding: identity, chunked',
      'content-length: 5',
      'content-length: -1',
      'content-length: 99999999999999999999',
    ]
    while (this.#chance(0.12)) headers.push(this.#pick(strange))
    return headers
  }

  #framing(body: Buffer): string[] {
    if (this.#chance(0.98)) return [`content-length: ${body.length}`]
    return [this.#pick([`content-length: ${body.length + 7}`, 'transfer-encoding: chunked', 'content-length: x'])]
  }

  #body(): Buffer {
    if (this.#chance(0.3)) return Buffer.alloc(0)
    const valid = JSON.stringify({ lines: [{ sku: 'teapot', n: 1 + this.#number(9) }], note: 'x' })
    if (this.#chance(0.3)) return Buffer.from(valid)
    if (this.#chance(0.4)) return Buffer.from(JSON.stringify(this.#value(0)) ?? '')
    const deep = 1 + this.#number(3000)
    const bodies: (() => Buffer)[] = [
      () => Buffer.from(valid.slice(0, this.#number(valid.length))),
      () => Buffer.from(Array.from({ length: this.#number(60) }, () => this.#number(256))),
      () => Buffer.from(`${'['.repeat(deep)}${']'.repeat(deep)}`),
      () => Buffer.from('{"a":'.repeat(deep)),
      () => Buffer.from('{"lines":[{"sku":"\xff"}]}', 'latin1'),
      () => Buffer.from('{"__proto__":{"lines":[]},"constructor":{"prototype":{}}}'),
      () => Buffer.from('{"lines":[{"sku":"a\\u0000b"}]}'),
      () => Buffer.from('{"lines":[{"sku":"\\ud800"}]}'),
      () => Buffer.from('\ufeff{}'),
      () => Buffer.from('5\r\n{"a":\r\n1\r\n1\r\n1\r\n}\r\n0\r\n\r\n'),
      () => Buffer.from('ffffffffffffffff\r\nabc'),
    ]
    return this.#pick(bodies)()
  }

  #value(depth: number): unknown {
    const leaves = [null, true, false, 0, -1, 1.5, 1e308, '', 'teapot', 'gone', 'é', 'x'.repeat(200)]
    if (depth > 4 || this.#chance(0.4)) return this.#pick(leaves)
    if (this.#chance(0.4)) return Array.from({ length: this.#number(4) }, () => this.#value(depth + 1))
    const names = ['lines', 'sku', 'n', 'id', 'note', 'a']
    return Object.fromEntries(
      Array.from({ length: this.#number(4) }, () => [this.#pick(names), this.#value(depth + 1)]),
    )
  }

  /** Changes some bytes, or leaves some out. */
  #spoil(request: Buffer): Buffer {
    const at = this.#number(request.length)
    if (this.#chance(0.5)) return Buffer.concat([request.subarray(0, at), request.subarray(at + 1 + this.#number(5))])
    request[at] = this.#number(256)
    return request
  }

  #number(below: number): number {
    return Math.floor(this.#random() * below)
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#number(from.length)] as T
  }

  #rarely<T>(otherwise: () => T, usually: T): T {
    return this.#chance(0.06) ? otherwise() : usually
  }
}
