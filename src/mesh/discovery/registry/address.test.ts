import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { registryAddress, shownAddress } from './address.ts'

describe('the address of a registry', () => {
  test('is a socket file, or a host and a port with or without TLS', () => {
    assert.deepEqual(registryAddress('unix:/run/r.sock'), { kind: 'unix', path: '/run/r.sock' })
    assert.deepEqual(registryAddress('tcp://10.0.0.7:7300'), { kind: 'tcp', host: '10.0.0.7', port: 7300 })
    assert.deepEqual(registryAddress('tls://[::1]:7300'), { kind: 'tls', host: '::1', port: 7300 })
    for (const text of ['unix:/run/r.sock', 'tcp://10.0.0.7:7300', 'tls://[::1]:7300'])
      assert.equal(shownAddress(registryAddress(text)), text)
  })

  test('is refused where it is something else, naming what is known', () => {
    const wrong = [
      '',
      'unix:',
      '7300',
      'http://a:1',
      'tcp://a',
      'tcp://a:1/path',
      'tcp://u@a:1',
      `unix:/${'x'.repeat(107)}`,
    ]
    for (const text of wrong) assert.throws(() => registryAddress(text), { code: 'invalid_config' }, text)
    assert.throws(() => registryAddress('http://a:1'), /'http:\/\/a:1': write unix:/)
  })
})
