import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Paths } from './paths.ts'

function pathsOf(...routes: string[]): Paths<string> {
  const paths = new Paths<string>()
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ')
    assert.equal(paths.add(method, path, route), undefined)
  }
  return paths
}

test('a path is found by its method and its segments, and gives its fields decoded', () => {
  const paths = pathsOf('GET /orders/{id}', 'POST /orders', 'GET /orders/{id}/lines/{n}')
  assert.deepEqual(paths.find('POST', '/orders'), { value: 'POST /orders', params: {} })
  assert.deepEqual(paths.find('GET', '/orders/a%2Fb%20c'), { value: 'GET /orders/{id}', params: { id: 'a/b c' } })
  assert.deepEqual(paths.find('GET', '/orders/7/lines/2')?.params, { id: '7', n: '2' })
  for (const path of ['/', '/orders/', '/orders', '/orders//lines/2', '/orders/7/lines', '/orders/7/'])
    assert.equal(paths.find('GET', path), undefined, path)
  assert.equal(paths.find('DELETE', '/orders'), undefined)
})

test('a name beats a field, at the first place where they differ', () => {
  const paths = pathsOf('GET /a/{x}/c', 'GET /a/b/{y}', 'GET /a/b/c')
  assert.equal(paths.find('GET', '/a/b/c')?.value, 'GET /a/b/c')
  assert.equal(paths.find('GET', '/a/b/d')?.value, 'GET /a/b/{y}')
  assert.equal(paths.find('GET', '/a/d/c')?.value, 'GET /a/{x}/c')
})

test('two of the same route are told, whatever their fields are called', () => {
  const paths = pathsOf('GET /orders/{id}', 'GET /orders')
  assert.equal(paths.add('GET', '/orders/{key}', 'other'), 'GET /orders/{id}')
  assert.equal(paths.add('GET', '/orders', 'other'), 'GET /orders')
  assert.equal(paths.add('PUT', '/orders/{key}', 'other'), undefined)
})

test('the methods of a path are known, for whoever asks with another one', () => {
  const paths = pathsOf('GET /orders/{id}', 'PUT /orders/{id}', 'POST /orders/new')
  assert.deepEqual(paths.methods('/orders/new').toSorted(), ['GET', 'POST', 'PUT'])
  assert.deepEqual(paths.methods('/orders'), [])
})

test('escapes that make no text are refused', () => {
  assert.throws(() => pathsOf('GET /orders/{id}').find('GET', '/orders/%ff'), { code: 'invalid_request' })
})
