import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf, urlOf } from './address.ts'

test('an address is a port, a host and a port, or a socket', () => {
  const read: [string, string][] = [
    ['0', 'http://127.0.0.1:0'],
    ['8080', 'http://127.0.0.1:8080'],
    ['0.0.0.0:8080', 'http://0.0.0.0:8080'],
    ['orders.internal:80', 'http://orders.internal:80'],
    ['[::1]:8080', 'http://[::1]:8080'],
    ['unix:/run/orders.sock', 'unix:/run/orders.sock'],
  ]
  for (const [text, url] of read) assert.equal(urlOf(addressOf(text)), url)
})

test('what is none is refused, and what is known is named', () => {
  for (const text of [
    '',
    'x',
    '65536',
    '-1',
    '127.0.0.1',
    ':80',
    '::1:80',
    'http://127.0.0.1:80',
    'unix:',
    'a b:80',
    '8o',
  ])
    assert.throws(() => addressOf(text), { code: 'invalid_config', message: /write 8080, 127\.0\.0\.1:8080/ })
  assert.throws(() => addressOf(`unix:/${'x'.repeat(107)}`), { code: 'invalid_config', message: /at most 107 bytes/ })
})
