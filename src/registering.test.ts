import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RegistryDiscovery } from './mesh/discovery/registry/client.ts'
import type { Registration } from './mesh/discovery/registry/messages.ts'
import { Registering, type RegistryOptions, urlIn } from './registering.ts'

/** What a registry is told of a process that listens there. */
function toldOf(url: string, frames: string | undefined, options: Partial<RegistryOptions> = {}) {
  const told: Registration[] = []
  const discovery = { register: (one: Registration) => void told.push(one) } as unknown as RegistryDiscovery
  const registry = { address: 'unix:/r', secret: 'a secret of sixteen', ...options }
  new Registering(discovery, registry, ['orders'], { url, frames }, () => 0)
  return told.map((one) => [one.address, one.frames].filter(Boolean).join(' '))[0]
}

test('a host that is advertised stands for the one that is listened at; ports stay, and sockets', () => {
  const told: [advertise: string, url: string, frames: string | undefined, expected: string][] = [
    ['10.0.0.7', 'http://0.0.0.0:8080', 'tcp://0.0.0.0:7001', 'http://10.0.0.7:8080 tcp://10.0.0.7:7001'],
    ['::1', 'https://[::]:8443', undefined, 'https://[::1]:8443'],
    ['orders-1', 'http://127.0.0.1:80', 'unix:/run/f', 'http://orders-1:80 unix:/run/f'],
    ['http://proxy:1', 'http://127.0.0.1:80', 'tcp://127.0.0.1:7', 'http://proxy:1 tcp://127.0.0.1:7'],
  ]
  for (const [advertise, url, frames, expected] of told) assert.equal(toldOf(url, frames, { advertise }), expected)
  assert.equal(toldOf('http://127.0.0.1:80', undefined), 'http://127.0.0.1:80')
})

test('who listens everywhere and does not say where it is reached is not told of', () => {
  for (const url of ['http://0.0.0.0:80', 'https://[::]:443'])
    assert.throws(() => toldOf(url, undefined), { code: 'invalid_config', message: /give advertise/ })
})

test('a process has a port of its own but where it advertises a URL', () => {
  const asUrls = ['10.0.0.7', undefined, 'http://a:1', 'unix:/run/a'].map((advertised) => urlIn(advertised))
  assert.deepEqual(asUrls, [undefined, undefined, 'http://a:1', 'unix:/run/a'])
})
