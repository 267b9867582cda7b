import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fact } from '../../telemetry.ts'
import { servicePolicy } from '../configuration/policy.ts'
import { writeServerTiming } from '../latency.ts'
import { Lost } from '../transport.ts'
import type { MeshClientOptions } from './client.ts'
import { endpoints, meshed, ok, passing, status } from './fixture.ts'

const safe = { service: 'orders', method: 'GET', path: '/view', idempotent: true } as const

function watched(options: Partial<MeshClientOptions> = {}) {
  const facts: Fact[] = []
  const of = <K extends Fact['kind']>(kind: K) =>
    facts.filter((fact): fact is Extract<Fact, { kind: K }> => fact.kind === kind)
  return { ...meshed({ ...options, watcher: (fact) => facts.push(fact) }), of }
}

test('each call that is over is told of with parts that sum to the whole, tries and waits included, whether it was answered or not', async () => {
  const { clock, discovery, transport, client, of } = watched()
  discovery.say('orders', endpoints('a', 'b'))
  transport.answers = async () => {
    await clock.advance(30)
    if (transport.sent.length === 1) throw new Lost('connect', 'away')
    return ok({ 'server-timing': writeServerTiming({ requestMs: 5, responseMs: 10 }) })
  }
  const began = clock.monotonic()
  await passing(clock, client.request(safe), 0.5)
  const [told] = of('called')
  assert.ok(told)
  const { service, status, requestMs, responseMs, networkMs } = told
  assert.deepEqual([service, status, requestMs, responseMs], ['orders', 200, 5, 10])
  assert.ok(networkMs >= 45 && networkMs <= clock.monotonic() - began - 15)
  assert.deepEqual(of('again'), [{ kind: 'again', service: 'orders', granted: true }])

  discovery.say('orders', [])
  await assert.rejects(client.request(safe), { code: 'unavailable' })
  assert.deepEqual(
    of('called').map(({ status }) => status),
    [200, undefined],
  )
})

test('an instance is told of when its circuit opens and closes, and not with each probe; and when it is ejected and returns', async () => {
  const { clock, discovery, transport, client, of } = watched({
    policies: new Map([
      [
        'orders',
        servicePolicy({ host: 'orders', balancing: 'round_robin', circuit: { least: 4, firstMs: 1000 }, retry: false }),
      ],
    ]),
  })
  discovery.say('orders', endpoints('a', 'b'))
  const ask = async (times: number, code: number): Promise<void> => {
    transport.answers = async ({ id }) => (id === 'a' ? status(code) : ok())
    for (let n = 0; n < times; n++) await client.request(safe)
  }
  const states = () => of('instance').map(({ service, id, address, state }) => `${service} ${id} ${address} ${state}`)
  await ask(10, 500)
  assert.deepEqual(states(), ['orders a http://a circuit_open'])
  await clock.advance(1000)
  await ask(10, 500)
  assert.equal(states().length, 1)
  await clock.advance(60_000)
  await ask(10, 200)
  assert.deepEqual(states().slice(1), ['orders a http://a circuit_closed'])
})

test('an instance is told of when it is ejected, and when it returns', async () => {
  const { clock, discovery, transport, client, of } = watched({
    policies: new Map([
      ['orders', servicePolicy({ host: 'orders', balancing: 'round_robin', circuit: false, retry: false })],
    ]),
  })
  discovery.say('orders', endpoints('a', 'b'))
  transport.answers = async ({ id }) => (id === 'a' ? status(503) : ok())
  for (let n = 0; n < 20; n++) await client.request(safe)
  assert.deepEqual(
    of('instance').map(({ id, state }) => [id, state]),
    [['a', 'ejected']],
  )
  await clock.advance(60_000)
  await client.request(safe)
  assert.deepEqual(of('instance')[1], {
    kind: 'instance',
    service: 'orders',
    id: 'a',
    address: 'http://a',
    state: 'returned',
  })
})
