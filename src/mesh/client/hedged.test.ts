import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pause } from '../../time.ts'
import { compileRules, type MeshRules } from '../configuration/rules.ts'
import { endpoints, meshed, ok, passing, status, type ToldTransport } from './fixture.ts'

const call = { service: 'orders', method: 'POST', path: '/place', idempotent: true, timeoutMs: 2000 }
const refuse = (): never => assert.fail('there is no pattern')

function rig(rules: MeshRules, ...ids: string[]) {
  const all = { routes: [], destinations: [], policies: [], ...rules }
  const made = meshed(compileRules(all, { labels: {}, namespace: '' }, refuse))
  made.discovery.say('orders', endpoints(...ids))
  return made
}

const hedging: MeshRules = { policies: [{ host: 'orders', hedging: { leastMs: 10 }, circuit: false }] }

/** Answers of 5 ms each, until it is known what is usual. */
async function usual({ clock, client, transport }: ReturnType<typeof rig>): Promise<void> {
  transport.answers = async () => {
    await pause(clock, 5)
    return ok()
  }
  for (let n = 0; n < 60; n++) await passing(clock, client.request(call), 5)
  transport.sent.length = 0
}

/** The first request that is sent from now on is never answered, unless it is aborted. */
function firstHangs(transport: ToldTransport, then = async () => ok()): void {
  transport.answers = () => (transport.sent.length === 1 ? new Promise(() => {}) : then())
}

test('an answer that takes longer than most is asked for at another instance, and the first one is told to stop', async () => {
  const made = rig(hedging, 'a', 'b')
  await usual(made)
  firstHangs(made.transport)
  const began = made.clock.monotonic()
  const answer = await passing(made.clock, made.client.request(call), 1)
  assert.deepEqual([answer.status, answer.tries, made.transport.sent.length], [200, 1, 2])
  const [first, second] = made.transport.sent
  assert.notEqual(first?.id, second?.id)
  assert.equal(answer.from, second?.id)
  assert.ok(first?.signal.aborted && !second?.signal.aborted)
  assert.ok(made.clock.monotonic() - began < 20)
})

test('a bad answer of one does not count while the other may give a good one', async () => {
  const made = rig(hedging, 'a', 'b')
  await usual(made)
  const { clock, transport } = made
  transport.answers = async () => {
    const first = transport.sent.length === 1
    await pause(clock, first ? 50 : 1)
    return first ? ok() : status(503)
  }
  const answer = await passing(clock, made.client.request(call), 1)
  assert.deepEqual([answer.status, transport.sent.length], [200, 2])
})

test('what is not idempotent, what nobody else can answer, and what is not asked to be hedged, is asked once', async () => {
  const cases: [MeshRules, string[], object][] = [
    [hedging, ['a', 'b'], { idempotent: false }],
    [hedging, ['a'], {}],
    [{}, ['a', 'b'], {}],
  ]
  for (const [rules, ids, change] of cases) {
    const made = rig(rules, ...ids)
    await usual(made)
    firstHangs(made.transport)
    const late = assert.rejects(passing(made.clock, made.client.request({ ...call, timeoutMs: 500, ...change }), 5))
    await late
    assert.equal(made.transport.sent.length, 1)
  }
})

test('who gives up is let go, and so is everybody who was asked', async () => {
  const made = rig(hedging, 'a', 'b')
  await usual(made)
  made.transport.answers = () => new Promise(() => {})
  const abort = new AbortController()
  const rejected = assert.rejects(made.client.request({ ...call, signal: abort.signal }), /enough/)
  await made.clock.advance(100)
  assert.equal(made.transport.sent.length, 2)
  abort.abort(new Error('enough'))
  await rejected
  assert.ok(made.transport.sent.every(({ signal }) => signal.aborted))
})

test('further requests are taken out of the budget of retries', async () => {
  const rules: MeshRules = {
    policies: [{ ...hedging.policies?.[0], host: 'orders', retryBudget: { share: 0, floorPerSecond: 0 } }],
  }
  const made = rig(rules, 'a', 'b')
  await usual(made)
  firstHangs(made.transport)
  await assert.rejects(passing(made.clock, made.client.request({ ...call, timeoutMs: 500 }), 5))
  assert.equal(made.transport.sent.length, 1)
})

test('by key, calls with the same key, header or query field go to the same instance', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `e${n}`)
  const ways: [MeshRules['policies'], (n: number) => object][] = [
    [[{ host: '*', balancing: 'by_key' }], (n) => ({ key: `k${n}` })],
    [[{ host: '*', balancing: { header: 'X-User' } }], (n) => ({ headers: { 'x-user': `k${n}` } })],
    [[{ host: '*', balancing: { query: 'user' } }], (n) => ({ query: `a=1&user=k%20${n}` })],
  ]
  for (const [policies = [], keyed] of ways) {
    const { clock, client, transport } = rig({ policies }, ...ids)
    for (let n = 0; n < 60; n++) await passing(clock, client.request({ ...call, ...keyed(n % 6) }))
    const asked = Array.from(
      { length: 6 },
      (_, k) => new Set(transport.sent.filter((_, n) => n % 6 === k).map(({ id }) => id)),
    )
    assert.ok(asked.every((one) => one.size === 1))
    assert.ok(new Set(asked.flatMap((one) => [...one])).size > 1)
  }
})

test('a bulkhead and retries are those of the policy', async () => {
  const rules: MeshRules = { policies: [{ host: '*', bulkhead: { running: 1, waiting: 0 }, retry: false }] }
  const { clock, client, transport } = rig(rules, 'a', 'b')
  transport.answers = async () => {
    await pause(clock, 10)
    return status(503)
  }
  const first = client.request(call)
  await clock.advance(1)
  await assert.rejects(client.request(call), { code: 'overloaded' })
  assert.deepEqual([(await passing(clock, first)).status, transport.sent.length], [503, 1])
})
