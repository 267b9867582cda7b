import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { About } from '../discovery.ts'
import type { Endpoint } from '../endpoint.ts'
import { StaticDiscovery } from './static.ts'

describe('static lists', () => {
  test('a watcher is told of the listed endpoints, and only after watch has returned', async () => {
    const discovery = new StaticDiscovery({
      orders: ['http://10.0.0.7:8080', { id: 'b', address: 'unix:/run/b.sock', weight: 3, labels: { version: 'v2' } }],
    })
    const told: [readonly Endpoint[], About][] = []
    discovery.watch('orders', (...update) => told.push(update))
    assert.equal(told.length, 0)
    await Promise.resolve()
    assert.deepEqual(told, [
      [
        [
          { id: 'http://10.0.0.7:8080', address: 'http://10.0.0.7:8080', labels: {}, weight: 1 },
          { id: 'b', address: 'unix:/run/b.sock', labels: { version: 'v2' }, weight: 3 },
        ],
        { expected: 2, freshness: 'live' },
      ],
    ])
  })

  test('who stopped watching, or closed, is told nothing', async () => {
    const discovery = new StaticDiscovery({ orders: ['http://10.0.0.7:8080'] })
    const told: string[] = []
    discovery.watch('orders', () => told.push('stopped'))()
    discovery.watch('orders', () => told.push('closed'))
    await discovery.close()
    await Promise.resolve()
    assert.deepEqual(told, [])
  })

  test('several watchers of one service are each told, later ones too', async () => {
    const discovery = new StaticDiscovery({ orders: ['http://10.0.0.7:8080'] })
    const told: string[] = []
    discovery.watch('orders', () => told.push('first'))
    await Promise.resolve()
    discovery.watch('orders', () => told.push('second'))
    await Promise.resolve()
    assert.deepEqual(told, ['first', 'second'])
  })

  test('a service without a list is refused, naming the nearest that has one', () => {
    const discovery = new StaticDiscovery({ orders: [] })
    assert.throws(() => discovery.watch('order', () => {}), { code: 'not_found', message: /'orders'/ })
  })

  test('a wrong list is refused, naming service, entry and field', () => {
    const wrong = (list: ConstructorParameters<typeof StaticDiscovery>[0][string]) => () =>
      new StaticDiscovery({ orders: list })
    assert.throws(wrong(['nowhere']), { code: 'invalid_config', message: /^orders\[0\]: 'nowhere'/ })
    assert.throws(wrong([{ address: 'http://a:1', weight: -1 }]), { message: /^orders\[0\]: weight -1/ })
    assert.throws(wrong(['http://a:1', 'http://a:1']), {
      message: /^orders\[1\]: another one has the address http:\/\/a:1; list it once$/,
    })
    assert.throws(wrong(['http://a:1', { id: 'x', address: 'http://a:1' }]), { message: /the address/ })
  })
})
