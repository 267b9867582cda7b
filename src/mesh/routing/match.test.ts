import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { RequestAttributes } from '../request.ts'
import { request } from './fixture.ts'
import { compileMatch, concerns } from './match.ts'
import { compileRe2 } from './re2.ts'
import type { RouteMatch } from './rules.ts'

const matches = (match: RouteMatch, one: RequestAttributes): boolean => compileMatch(match, compileRe2)(one)
const header = (headers: Record<string, string>): RequestAttributes => request('/', { headers })

describe('paths', () => {
  test('exact is the whole path, without the query', () => {
    assert.equal(matches({ uri: { exact: '/orders' } }, request('/orders?a=1')), true)
    assert.equal(matches({ uri: { exact: '/orders' } }, request('/orders/')), false)
    assert.equal(matches({ uri: { exact: '/orders' } }, request('/Orders')), false)
  })

  test('a prefix is one of text, not of path segments', () => {
    assert.equal(matches({ uri: { prefix: '/orders' } }, request('/orders/1')), true)
    assert.equal(matches({ uri: { prefix: '/orders' } }, request('/ordersearch')), true)
    assert.equal(matches({ uri: { prefix: '' } }, request('/')), true)
    assert.equal(matches({ uri: { prefix: '/orders/' } }, request('/orders')), false)
  })

  test('a pattern matches the whole path', () => {
    assert.equal(matches({ uri: { regex: '/orders/[0-9]+' } }, request('/orders/12?x')), true)
    assert.equal(matches({ uri: { regex: '/orders/[0-9]+' } }, request('/orders/12/lines')), false)
    assert.equal(matches({ uri: { regex: '[0-9]+' } }, request('/12')), false)
    assert.equal(matches({ uri: { regex: 'a|ab' } }, request('ab')), true)
  })

  test('case can be ignored, but in patterns', () => {
    const ignoreUriCase = true
    assert.equal(matches({ uri: { exact: '/Orders' }, ignoreUriCase }, request('/oRDERS')), true)
    assert.equal(matches({ uri: { exact: '/Orders' }, ignoreUriCase }, request('/oRDERS/1')), false)
    assert.equal(matches({ uri: { prefix: '/Orders' }, ignoreUriCase }, request('/oRDERS/1')), true)
    assert.equal(matches({ uri: { prefix: '/Orders' }, ignoreUriCase }, request('/order')), false)
    assert.equal(matches({ uri: { regex: '/Orders' }, ignoreUriCase }, request('/orders')), false)
    assert.equal(matches({ ignoreUriCase }, request('/orders')), true)
  })
})

test('method, scheme and authority', () => {
  assert.equal(matches({ method: { exact: 'GET' } }, request()), true)
  assert.equal(matches({ method: { regex: 'PUT|POST' } }, request()), false)
  assert.equal(matches({ method: {} }, request()), true)
  assert.equal(matches({ scheme: { exact: 'https' } }, request()), false)
  assert.equal(matches({ authority: { prefix: 'ord' } }, request()), true)
})

describe('headers', () => {
  test('exact, prefix and pattern, whatever the case of the name', () => {
    assert.equal(matches({ headers: { 'X-User': { exact: 'ann' } } }, header({ 'x-user': 'ann' })), true)
    assert.equal(matches({ headers: { 'x-user': { exact: 'ann' } } }, header({ 'x-user': 'Ann' })), false)
    assert.equal(matches({ headers: { 'x-user': { prefix: 'a' } } }, header({ 'x-user': 'ann' })), true)
    assert.equal(matches({ headers: { 'x-user': { regex: 'a.*' } } }, header({ 'x-user': 'bann' })), false)
    assert.equal(matches({ headers: { 'x-user': { exact: '' } } }, header({})), false)
  })

  test('nothing asked for, or *, is presence', () => {
    for (const present of [{}, { regex: '*' }]) {
      assert.equal(matches({ headers: { a: present } }, header({ a: '' })), true)
      assert.equal(matches({ headers: { a: present } }, header({})), false)
      assert.equal(matches({ withoutHeaders: { a: present } }, header({ a: '' })), false)
      assert.equal(matches({ withoutHeaders: { a: present } }, header({})), true)
    }
  })

  test('without: a missing one counts as empty', () => {
    assert.equal(matches({ withoutHeaders: { a: { exact: 'x' } } }, header({})), true)
    assert.equal(matches({ withoutHeaders: { a: { exact: 'x' } } }, header({ a: 'x' })), false)
    assert.equal(matches({ withoutHeaders: { a: { exact: 'x' } } }, header({ a: 'y' })), true)
    assert.equal(matches({ withoutHeaders: { a: { regex: '.*' } } }, header({})), false)
  })

  test('those that begin with a colon, and the host, are parts of the request', () => {
    const one = request('/a?b=1', { method: 'PUT', scheme: 'https', authority: 'orders:80' })
    const parts = {
      ':method': 'PUT',
      ':path': '/a?b=1',
      ':authority': 'orders:80',
      host: 'orders:80',
      ':scheme': 'https',
    }
    for (const [name, exact] of Object.entries(parts))
      assert.equal(matches({ headers: { [name]: { exact } } }, one), true)
    assert.equal(matches({ headers: { ':path': { exact: '/a' } } }, request('/a')), true)
  })

  test('names of every object’s own are no headers', () => {
    assert.equal(matches({ headers: { constructor: {} } }, header({})), false)
  })
})

test('query parameters: the first of a name, as it stands', () => {
  const asks = (of: object, query: string): boolean => matches({ queryParams: { a: of } }, request('/', { query }))
  assert.equal(asks({ exact: '1' }, 'b=2&a=1&a=3'), true)
  assert.equal(asks({ exact: '3' }, 'a=1&a=3'), false)
  assert.equal(asks({ exact: 'x y' }, 'a=x%20y'), false)
  assert.equal(asks({ prefix: 'x' }, 'a=x=y'), true)
  assert.equal(asks({ regex: '[0-9]+' }, 'a=12'), true)
  assert.equal(asks({}, 'a'), true)
  assert.equal(asks({}, 'a='), true)
  assert.equal(asks({}, 'aa=1'), false)
  assert.equal(asks({}, ''), false)
  assert.equal(matches({ queryParams: { '': {} } }, request('/', { query: '' })), false)
})

test('the port that is called', () => {
  assert.equal(matches({ port: 8080 }, request('/', { port: 8080 })), true)
  assert.equal(matches({ port: 8080 }, request('/', { port: 80 })), false)
  assert.equal(matches({ port: 8080 }, request('/')), false)
  assert.equal(matches({ port: 0 }, request('/')), true)
})

test('the source: labels and namespace, unless gateways are named, which decide alone', () => {
  const source = { labels: { app: 'shop', version: 'v1' }, namespace: 'shop' }
  assert.equal(concerns({}, source), true)
  assert.equal(concerns({ sourceLabels: { app: 'shop' } }, source), true)
  assert.equal(concerns({ sourceLabels: { app: 'shop', version: 'v2' } }, source), false)
  assert.equal(concerns({ sourceLabels: { tier: 'x' } }, source), false)
  assert.equal(concerns({ sourceNamespace: 'other' }, source), false)
  assert.equal(concerns({ sourceNamespace: 'shop' }, source), true)
  assert.equal(concerns({ gateways: ['edge'] }, source), false)
  assert.equal(concerns({ gateways: ['edge', 'mesh'], sourceLabels: { app: 'x' }, sourceNamespace: 'y' }, source), true)
})

test('all conditions of a match must be fulfilled: each more makes it match less', () => {
  const condition = fc.constantFrom<RouteMatch>(
    { uri: { prefix: '/a' } },
    { method: { exact: 'GET' } },
    { headers: { h: { exact: '1' } } },
    { queryParams: { q: {} } },
    { withoutHeaders: { w: {} } },
    { port: 80 },
  )
  const one = fc
    .record({
      path: fc.constantFrom('/a', '/b'),
      method: fc.constantFrom('GET', 'PUT'),
      headers: fc.constantFrom<Record<string, string>>({}, { h: '1' }, { h: '2', w: '' }),
      query: fc.constantFrom('', 'q=1'),
      port: fc.constantFrom(80, 81),
    })
    .map((changes) => request('/', changes))
  fc.assert(
    fc.property(fc.array(condition), one, (conditions, r) => {
      const all = matches(Object.assign({}, ...conditions), r)
      assert.equal(
        all,
        conditions.every((c) => matches(c, r)),
      )
    }),
  )
})
