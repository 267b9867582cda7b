import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, request, to } from './fixture.ts'
import { changeHeaders, headerChanges } from './rewrite.ts'

function sent(match: object | undefined, rewrite: object, path: string): string | undefined {
  const decision = decide([{ ...(match ? { match: [match] } : {}), route: [to('a')], rewrite }], request(path))
  return decision?.kind === 'forward' ? decision.path : undefined
}

test('a rewrite takes the place of the prefix that was matched', () => {
  assert.equal(sent({ uri: { prefix: '/shop' } }, { uri: '/v2' }, '/shop/orders'), '/v2/orders')
  assert.equal(sent({ uri: { prefix: '/shop/' } }, { uri: '/' }, '/shop/orders'), '/orders')
  assert.equal(sent({ uri: { prefix: '/SHOP' }, ignoreUriCase: true }, { uri: '/v2' }, '/shop/orders'), '/v2/orders')
})

test('without a match it takes the place of the first slash, as text', () => {
  assert.equal(sent(undefined, { uri: '/v2/' }, '/orders'), '/v2/orders')
  assert.equal(sent({ method: { exact: 'GET' } }, { uri: '/v2' }, '/orders'), '/v2orders')
})

test('after an exact match or a pattern it is the whole path', () => {
  assert.equal(sent({ uri: { exact: '/orders' } }, { uri: '/all' }, '/orders'), '/all')
  assert.equal(sent({ uri: { regex: '/o.*' } }, { uri: '/all' }, '/orders/1'), '/all')
})

test('a pattern rewrites each place where it matches', () => {
  const rewrite = (match: string, by: string) => ({ uriRegexRewrite: { match, rewrite: by } })
  assert.equal(
    sent(undefined, rewrite('^/service/([^/]+)(/.*)$', '\\2/instance/\\1'), '/service/foo/v1'),
    '/v1/instance/foo',
  )
  assert.equal(sent(undefined, rewrite('one', 'two'), '/xx/one/yy/one/zz'), '/xx/two/yy/two/zz')
})

test('the path is left alone where nothing rewrites it', () => {
  assert.equal(sent(undefined, { authority: 'other' }, '/orders'), '/orders')
})

test('headers are removed, then set, then added to', () => {
  const changes = headerChanges('request', {
    request: { set: { A: '1' }, add: { b: '2', n: '3' }, remove: ['C', 'B'] },
  })
  assert.deepEqual(changeHeaders({ a: '0', b: '0', c: '0', d: '0' }, changes), { a: '1', b: '2', d: '0', n: '3' })
  const adding = headerChanges('request', { request: { add: { b: '2' } } })
  assert.deepEqual(changeHeaders({ b: '1' }, adding), { b: '1,2' })
})

test('headers without changes are the same object', () => {
  const headers = { a: '1' }
  assert.equal(changeHeaders(headers, headerChanges('request', undefined)), headers)
})

test('a per cent sign is written twice', () => {
  const changes = headerChanges('response', { response: { set: { a: '100%%' } } })
  assert.equal(changes.write[0]?.value, '100%')
})

function location(redirect: object, path = '/old/1?a=1', changes: object = {}, match: object = {}): string | undefined {
  const decision = decide([{ match: [match], redirect }], request(path, changes))
  return decision?.kind === 'redirect' ? decision.location : undefined
}

test('a redirect replaces the path, or the prefix of it, and keeps the query unless it brings its own', () => {
  assert.equal(location({ uri: '/new' }), 'http://orders/new?a=1')
  assert.equal(location({ uri: '/new?b=2' }), 'http://orders/new?b=2')
  assert.equal(location({ uri: '/new' }, '/old'), 'http://orders/new')
  assert.equal(location({ prefixRewrite: '/new' }, '/old/1', {}, { uri: { prefix: '/old' } }), 'http://orders/new/1')
  assert.equal(location({ authority: 'other' }), 'http://other/old/1?a=1')
})

test('a redirect to another scheme or port says the port only where it must', () => {
  assert.equal(location({ scheme: 'https' }, '/'), 'https://orders/')
  assert.equal(location({ port: 8443, scheme: 'https' }, '/'), 'https://orders:8443/')
  assert.equal(location({ port: 443, scheme: 'https' }, '/'), 'https://orders/')
  assert.equal(location({ port: 80 }, '/'), 'http://orders/')
  assert.equal(location({ port: 443 }, '/'), 'http://orders:443/')
  assert.equal(location({ derivePort: 'FROM_REQUEST_PORT' }, '/', { port: 8080 }), 'http://orders:8080/')
  assert.equal(location({ derivePort: 'FROM_PROTOCOL_DEFAULT' }, '/', { port: 8080 }), 'http://orders/')
})

test('the host’s own port goes where another comes, or where it was the usual one of the other scheme', () => {
  assert.equal(location({ uri: '/' }, '/', { authority: 'orders:8080' }), 'http://orders:8080/')
  assert.equal(location({ uri: '/' }, '/', { authority: 'orders:80' }), 'http://orders:80/')
  assert.equal(location({ port: 90 }, '/', { authority: 'orders:8080' }), 'http://orders:90/')
  assert.equal(location({ scheme: 'https' }, '/', { authority: 'orders:80' }), 'https://orders/')
  assert.equal(location({ scheme: 'https' }, '/', { authority: 'orders:8080' }), 'https://orders:8080/')
})
