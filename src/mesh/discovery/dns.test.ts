import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { breathe, VirtualClock } from '../../time.ts'
import { DnsDiscovery, type DnsOptions, endpointsOf, keepMs, type SrvRecord } from './dns.ts'

const record = (name: string, more: Partial<SrvRecord> = {}): SrvRecord => ({
  name,
  port: 8080,
  priority: 10,
  weight: 5,
  ...more,
})

/** DNS as the test says it; undefined while it is down. */
class Zone {
  readonly clock = new VirtualClock()
  readonly asked: string[] = []
  readonly told: string[] = []
  readonly troubles: string[] = []
  records: SrvRecord[] | undefined

  discovery(options: Partial<DnsOptions> = {}): DnsDiscovery {
    return new DnsDiscovery({
      clock: this.clock,
      random: () => 0.5,
      nameOf: (service) => `_http._tcp.${service}.test`,
      resolver: { resolveSrv: (name) => this.#resolve(name) },
      onTrouble: ({ message }) => this.troubles.push(message),
      ...options,
    })
  }

  watch(discovery: DnsDiscovery): () => void {
    return discovery.watch('orders', (endpoints, { freshness }) =>
      this.told.push(`${freshness}: ${endpoints.map(({ address }) => address).join(' ')}`),
    )
  }

  async #resolve(name: string): Promise<SrvRecord[]> {
    this.asked.push(name)
    if (!this.records) throw new Error('queryX ETIMEOUT')
    return this.records
  }
}

describe('endpoints of SRV records', () => {
  test('have a place as their id, a weight, and an address of the scheme', () => {
    assert.deepEqual(endpointsOf([record('A.test.'), record('b.test', { port: 1, weight: 9 })], 'tcp'), [
      { id: 'a.test:8080', address: 'tcp://a.test:8080', labels: {}, weight: 5 },
      { id: 'b.test:1', address: 'tcp://b.test:1', labels: {}, weight: 9 },
    ])
  })

  test('are of the best priority alone', () => {
    const found = endpointsOf([record('a', { priority: 20 }), record('b'), record('c')], 'http')
    assert.deepEqual(
      found.map(({ id }) => id),
      ['b:8080', 'c:8080'],
    )
  })

  test('of weight 0 get a very small share beside others, and equal shares among themselves', () => {
    const weights = (...list: number[]): number[] =>
      endpointsOf(
        list.map((weight, i) => record(`h${i}`, { weight })),
        'http',
      ).map(({ weight }) => weight)
    assert.deepEqual(weights(0, 3), [0.01, 3])
    assert.deepEqual(weights(0, 0), [1, 1])
  })

  test('are none where the target says so, and never twice the same', () => {
    assert.deepEqual(endpointsOf([record('.')], 'http'), [])
    assert.equal(endpointsOf([record('a'), record('a')], 'http').length, 1)
  })

  test('hold for as long as the shortest of them says, a second at least', () => {
    assert.equal(keepMs([record('a', { ttl: 30 }), record('b', { ttl: 5 })], 10_000), 5000)
    assert.equal(keepMs([record('a', { ttl: 0 })], 10_000), 1000)
    assert.equal(keepMs([record('a')], 10_000), 10_000)
  })
})

describe('discovery by DNS', () => {
  test('asks again when an answer has had its time, and tells of changes only', async () => {
    const zone = new Zone()
    zone.records = [record('a')]
    const discovery = zone.discovery()
    zone.watch(discovery)
    await breathe()
    await zone.clock.advance(10_000)
    assert.deepEqual(zone.asked, ['_http._tcp.orders.test', '_http._tcp.orders.test'])
    zone.records = [record('b')]
    await zone.clock.advance(10_000)
    assert.deepEqual(zone.told, ['live: http://a:8080', 'live: http://b:8080'])
    await discovery.close()
  })

  test('keeps the last view while DNS fails, says so, and asks again sooner', async () => {
    const zone = new Zone()
    zone.records = [record('a')]
    const discovery = zone.discovery()
    zone.watch(discovery)
    await breathe()
    zone.records = undefined
    await zone.clock.advance(10_000)
    assert.deepEqual(zone.told, ['live: http://a:8080', 'kept: http://a:8080'])
    assert.match(zone.troubles[0] ?? '', /_http\._tcp\.orders\.test \(queryX ETIMEOUT\)/)
    await zone.clock.advance(1000 + 2000 + 4000)
    assert.equal(zone.asked.length, 5)
    zone.records = [record('a'), record('b')]
    await zone.clock.advance(8000)
    assert.deepEqual(zone.told.slice(2), ['live: http://a:8080 http://b:8080'])
    await discovery.close()
  })

  test('tells nothing at all while nothing was ever known', async () => {
    const zone = new Zone()
    const discovery = zone.discovery()
    zone.watch(discovery)
    await zone.clock.advance(30_000)
    assert.deepEqual(zone.told, [])
    await discovery.close()
  })

  test('asks no more when nobody watches, also when an answer is on its way', async () => {
    const zone = new Zone()
    zone.records = [record('a')]
    const discovery = zone.discovery()
    zone.watch(discovery)()
    await zone.clock.advance(60_000)
    assert.equal(zone.asked.length, 1)
    zone.watch(discovery)
    await breathe()
    await discovery.close()
    await zone.clock.advance(60_000)
    assert.equal(zone.asked.length, 2)
    assert.equal(zone.clock.pending, 0)
  })
})
