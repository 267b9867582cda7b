import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, SkerryError } from '../../errors.ts'
import { writeServerTiming } from '../latency.ts'
import { defaultCallRetry } from '../resilience/retry.ts'
import { compileRe2 } from '../routing/re2.ts'
import { accepted, readDestinationRules, readRouteRules } from '../routing/read.ts'
import { compileRoutes } from '../routing/table.ts'
import { Lost } from '../transport.ts'
import type { MeshClientOptions, MeshRequest } from './client.ts'
import { endpoints, meshed, ok, passing, status } from './fixture.ts'

const asked: MeshRequest = { service: 'orders', method: 'POST', path: '/place', idempotent: false }
const safe: MeshRequest = { ...asked, idempotent: true }

const failing = (code: ErrorCode, message: RegExp) => (error: unknown) =>
  error instanceof SkerryError && error.code === code && message.test(error.message)

test('a request reaches an endpoint with less time than the caller has, and its latency is split into parts that sum to the whole', async () => {
  const { clock, discovery, transport, client } = meshed()
  discovery.say('orders', endpoints('a'))
  transport.answers = async () => {
    await clock.advance(30)
    return ok({ 'server-timing': writeServerTiming({ requestMs: 5, responseMs: 10 }) })
  }
  const answer = await client.request({ ...asked, query: 'n=1', headers: { a: 'b' }, timeoutMs: 500 })
  assert.equal(transport.sent.length, 1)
  const { request, id } = transport.sent[0] as (typeof transport.sent)[0]
  assert.deepEqual([id, request.method, request.path], ['a', 'POST', '/place?n=1'])
  assert.deepEqual(request.headers, { a: 'b', 'skerry-timeout-ms': '499' })
  assert.deepEqual([answer.status, answer.from, answer.tries], [200, 'a', 1])
  assert.deepEqual(answer.latency, { requestMs: 5, responseMs: 10, networkMs: 15 })
})

test('what never reached a handler is sent to another endpoint; what may have is only if twice is as good as once', async () => {
  for (const [how, request, tries] of [
    ['connect', asked, 2],
    ['refused', asked, 2],
    ['reset', asked, 1],
    ['reset', safe, 2],
  ] as const) {
    const { clock, discovery, transport, client } = meshed()
    discovery.say('orders', endpoints('a', 'b'))
    transport.answers = async () => {
      if (transport.sent.length === 1) throw new Lost(how, 'away')
      return ok()
    }
    const answer = passing(clock, client.request(request))
    if (tries === 1) await assert.rejects(answer, failing('unavailable', /^orders: away$/))
    else assert.equal((await answer).tries, 2)
    assert.equal(new Set(transport.sent.map(({ id }) => id)).size, tries)
  }
})

test('a client that is closed asks nobody any more', async () => {
  const { discovery, transport, client } = meshed()
  discovery.say('orders', endpoints('a'))
  await client.request(asked)
  await client.close()
  await assert.rejects(client.request(asked), failing('closed', /^the client is closed$/))
  assert.equal(transport.sent.length, 1)
})

test('who was called by another leaves retries to whoever is outermost, and never takes longer than that one waits', async () => {
  const { clock, discovery, transport, client } = meshed()
  discovery.say('orders', endpoints('a', 'b'))
  transport.answers = async () => status(503)
  const answer = await passing(clock, client.request({ ...safe, inheritedDeadline: clock.monotonic() + 100 }))
  assert.deepEqual([answer.status, answer.tries], [503, 1])
  assert.equal(transport.sent[0]?.request.headers['skerry-timeout-ms'], '99')
})

test('the last answer counts when all tries are used up, and Retry-After is waited for', async () => {
  const { clock, discovery, transport, client } = meshed()
  discovery.say('orders', endpoints('a', 'b', 'c'))
  const at: number[] = []
  transport.answers = async () => {
    at.push(clock.monotonic())
    return status(503, { 'retry-after': '1' })
  }
  const answer = await passing(clock, client.request({ ...safe, timeoutMs: 10_000 }))
  assert.deepEqual([answer.status, answer.tries], [503, 3])
  assert.ok((at[1] as number) - (at[0] as number) >= 1000)
  assert.deepEqual(new Set(transport.sent.map(({ id }) => id)), new Set(['a', 'b', 'c']))
})

test('a refusal of which nothing has begun goes to somebody else, though the call is not idempotent; what others say in its name does not', async () => {
  for (const [code, said, tries] of [
    [503, 'leaving', 2],
    [503, 'shed', 2],
    [500, 'leaving', 1],
    [503, 'whatever', 1],
  ] as const) {
    const { clock, discovery, transport, client } = meshed()
    discovery.say('orders', endpoints('a', 'b'))
    transport.answers = async () =>
      transport.sent.length === 1 ? status(code, { 'skerry-not-begun': said, 'retry-after': '1' }) : ok()
    const answer = await passing(clock, client.request({ ...asked, timeoutMs: 5000 }))
    assert.deepEqual([answer.tries, answer.status], [tries, tries === 2 ? 200 : code], `${code} ${said}`)
    assert.equal(clock.monotonic() >= 1000, said === 'shed', said)
  }
})

test('with every endpoint failing, retries stay within a fifth of the requests and the floor', async () => {
  const { clock, discovery, transport, client } = meshed({ retry: { ...defaultCallRetry, firstMs: 0 } })
  // So many that no circuit opens meanwhile.
  discovery.say('orders', endpoints(...Array.from({ length: 500 }, (_, n) => `e${n}`)))
  transport.answers = async () => status(503)
  const requests = 2000
  for (let n = 0; n < requests; n++) await passing(clock, client.request(safe), 0)
  assert.equal(clock.monotonic(), 0)
  const retries = transport.sent.length - requests
  assert.ok(retries <= 0.2 * requests + 100, `${retries} retries`)
  assert.ok(retries >= 0.2 * requests, `${retries} retries`)
})

test('no answer in time is deadline_exceeded, and the endpoint is told to stop', async () => {
  const { clock, discovery, transport, client } = meshed()
  discovery.say('orders', endpoints('a'))
  transport.answers = () => new Promise(() => {})
  await assert.rejects(
    passing(clock, client.request({ ...asked, timeoutMs: 300 })),
    failing('deadline_exceeded', /^orders: no answer in time$/),
  )
  assert.ok(transport.sent[0]?.signal.aborted)
  assert.ok(clock.monotonic() >= 300 && clock.monotonic() < 400)
})

test('a try that takes too long is given up for another endpoint while there is time', async () => {
  const { clock, discovery, transport, client } = meshed({ retry: { ...defaultCallRetry, perTryMs: 100 } })
  discovery.say('orders', endpoints('a', 'b'))
  transport.answers = async () => (transport.sent.length === 1 ? new Promise(() => {}) : ok())
  const answer = await passing(clock, client.request({ ...safe, timeoutMs: 1000 }))
  assert.equal(answer.tries, 2)
  assert.ok(transport.sent[0]?.signal.aborted)
})

test('who gives up hears its own reason at once, while a try runs and while it waits for the next', async () => {
  for (const answers of [() => new Promise<never>(() => {}), async () => status(503, { 'retry-after': '1' })]) {
    const { clock, discovery, transport, client } = meshed()
    discovery.say('orders', endpoints('a', 'b'))
    transport.answers = answers
    const abort = new AbortController()
    const answer = client.request({ ...safe, timeoutMs: 60_000, signal: abort.signal })
    const rejected = assert.rejects(answer, /enough/)
    while (transport.sent.length === 0) await clock.advance(1)
    await clock.advance(5)
    abort.abort(new Error('enough'))
    await rejected
    assert.equal(transport.sent.length, 1)
  }
})

test('an endpoint that fails fast gets much less than its share, and none once it is left out', async () => {
  const { clock, discovery, transport, client } = meshed({ retry: { ...defaultCallRetry, retries: 0 } })
  discovery.say('orders', endpoints('a', 'b', 'c', 'bad'))
  transport.answers = async ({ id }) => {
    if (id === 'bad') return status(500)
    await clock.advance(5)
    return ok()
  }
  for (let n = 0; n < 400; n++) await client.request(asked)
  const bad = transport.sent.filter(({ id }) => id === 'bad').length
  assert.ok(bad <= 50, `${bad} of 400`)
})

test('when nobody can be asked it says why: no instance is known, or all circuits are open', async () => {
  const { clock, discovery, transport, client } = meshed()
  discovery.say('orders', [])
  await assert.rejects(client.request(asked), failing('unavailable', /^orders: no instance is known/))
  discovery.say('orders', endpoints('a'))
  transport.answers = async () => status(500)
  for (let n = 0; n < 20; n++) await client.request(asked)
  await assert.rejects(
    client.request(asked),
    failing('unavailable', /^orders: none of 1 instances .*circuits are open$/),
  )
  transport.answers = async () => ok()
  await clock.advance(1000)
  assert.equal((await client.request(asked)).status, 200)
})

test('the first request waits for discovery, but not beyond its deadline', async () => {
  const { clock, discovery, client } = meshed()
  const late = client.request({ ...asked, timeoutMs: 200 })
  await assert.rejects(passing(clock, late), failing('unavailable', /no instance is known/))
  const early = client.request({ ...asked, timeoutMs: 200 })
  await clock.advance(100)
  discovery.say('orders', endpoints('a'))
  assert.equal((await passing(clock, early)).from, 'a')
})

test('connections to instances that are gone are let go', async () => {
  const { discovery, transport, client } = meshed()
  discovery.say('orders', endpoints('a', 'b'))
  discovery.say('carts', endpoints('c'))
  await client.request(asked)
  await client.request({ ...asked, service: 'carts' })
  discovery.say('orders', endpoints('b'))
  assert.deepEqual(transport.kept.map(({ id }) => id).sort(), ['b', 'c'])
})

function routed(route: object, rules?: object): Partial<MeshClientOptions> {
  const source = { labels: {}, namespace: 'default' }
  const read = accepted(readRouteRules({ hosts: ['orders'], http: [route] }, compileRe2), 'a test')
  const compiled = compileRoutes(read, { source, compile: compileRe2, retry: defaultCallRetry })
  return {
    routes: new Map([['orders', compiled]]),
    ...(rules && { destinations: new Map([['orders', accepted(readDestinationRules(rules), 'a test')]]) }),
  }
}

test('too many calls at once are overloaded at once, so that one service that hangs does not hold everything', async () => {
  const pool = { http: { http2MaxRequests: 2, http1MaxPendingRequests: 1 } }
  const { discovery, transport, client } = meshed(
    routed(
      { route: [{ destination: { host: 'orders' } }] },
      { host: 'orders', trafficPolicy: { connectionPool: pool } },
    ),
  )
  discovery.say('orders', endpoints('a'))
  const gate = Promise.withResolvers<void>()
  transport.answers = async () => {
    await gate.promise
    return ok()
  }
  const three = [client.request(asked), client.request(asked), client.request(asked)]
  await new Promise(setImmediate)
  await assert.rejects(client.request(asked), failing('overloaded', /^orders: too many calls .* 2, and 1 that wait$/))
  assert.equal(transport.sent.length, 2)
  gate.resolve()
  assert.deepEqual(
    (await Promise.all(three)).map((answer) => answer.status),
    [200, 200, 200],
  )
})

test('routes decide where a request goes, with what path and headers, and who gets a copy', async () => {
  const { discovery, transport, client } = meshed(
    routed(
      {
        match: [{ uri: { prefix: '/v1/' } }],
        rewrite: { uri: '/' },
        headers: { request: { set: { b: '2' }, remove: ['a'] }, response: { add: { c: '3' } } },
        route: [{ destination: { host: 'orders', subset: 'new' } }],
        mirror: { host: 'shadow' },
      },
      { host: 'orders', subsets: [{ name: 'new', labels: { version: '2' } }] },
    ),
  )
  const [old, fresh] = endpoints('old', 'fresh')
  assert.ok(old && fresh)
  discovery.say('orders', [old, { ...fresh, labels: { version: '2' } }])
  discovery.say('shadow', endpoints('shadow'))
  const answer = await client.request({ ...asked, path: '/v1/place', headers: { a: '1' } })
  await new Promise(setImmediate)
  assert.equal(answer.headers.c, '3')
  const sent = transport.sent.map(({ id, request: { path, headers } }) => [id, path, headers.a, headers.b])
  assert.deepEqual(new Set(sent.map(String)), new Set(['fresh,/place,,2', 'shadow,/place,,2']))
  assert.equal((await client.request(asked)).status, 404)
})

test('routes may answer by themselves; a subset that nobody declared is 503, and nothing is sent', async () => {
  const respond = meshed(routed({ directResponse: { status: 418, body: { string: 'tea' } } }))
  const answered = await respond.client.request(asked)
  assert.deepEqual([answered.status, Buffer.from(answered.body).toString()], [418, 'tea'])
  const redirect = meshed(routed({ redirect: { uri: '/elsewhere' } }))
  assert.equal((await redirect.client.request(asked)).status, 301)
  const broken = meshed(routed({ route: [{ destination: { host: 'orders', subset: 'gone' } }] }))
  broken.discovery.say('orders', endpoints('a'))
  assert.equal((await broken.client.request(asked)).status, 503)
  assert.equal(broken.transport.sent.length, 0)
})
