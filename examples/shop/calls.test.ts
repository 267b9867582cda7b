import assert from 'node:assert/strict'
import { test } from 'node:test'
import { services } from './services.ts'
import { openForTest } from './testing.ts'
import { hashed, matches } from './users/calls/passwords.ts'
import { lifetimeMs, read, sign } from './users/calls/tokens.ts'

interface Answer<Body> {
  readonly status: number
  readonly body: Body
}

const json = { 'content-type': 'application/json' }
const tea = { stockCode: 'TEA', quantity: 3, unitPrice: 2550 }

test('a shopper registers, logs in, fills a cart, places an order and sees what came of it, over HTTP', async (t) => {
  const app = await openForTest(t, Object.values(services), { http: '127.0.0.1:0' })
  async function ask<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: object,
    key?: string,
  ): Promise<Answer<Body>> {
    const headers = { ...(body && json), ...(key !== undefined && { 'idempotency-key': `"${key}"` }) }
    const answer = await fetch(`${app.url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    return { status: answer.status, body: (await answer.json()) as Body }
  }
  const ada = { email: 'Ada@example.org', password: 'correct horse battery', country: 'EIRE' }

  const registered = await ask<{ customer: string }>('POST', '/users', ada, 'one')
  assert.equal(registered.status, 200)
  assert.deepEqual(await ask('POST', '/users', ada, 'one'), registered)
  const { customer } = registered.body
  const again = await ask('POST', '/users', { ...ada, email: 'ada@EXAMPLE.org' }, 'two')
  assert.deepEqual([again.status, again.body.reason], [409, 'taken'])
  const user = await ask('GET', `/users/${customer}`)
  assert.deepEqual([user.body.customer, user.body.country], [customer, 'EIRE'])
  assert.equal((await ask('GET', '/users/nobody')).status, 404)

  const { email, password } = ada
  const wrong = await ask('POST', '/sessions', { email, password: 'battery horse correct' })
  const unknown = await ask('POST', '/sessions', { email: 'eve@example.org', password })
  assert.deepEqual([wrong.status, unknown.status, wrong.body.detail], [401, 401, unknown.body.detail])
  const { body: session } = await ask<{ token: string }>('POST', '/sessions', { email, password })
  assert.deepEqual((await ask('POST', '/sessions/owner', { token: session.token })).body, { customer })

  await ask('POST', '/carts/c1/lines', { stockCode: 'TEA', quantity: 2 })
  await ask('POST', '/carts/c1/lines', { stockCode: 'MUG', quantity: 1 })
  await ask('PUT', '/carts/c1/lines/TEA', { quantity: 3 })
  const removed = await ask('DELETE', '/carts/c1/lines/MUG')
  assert.deepEqual(removed.body, { cart: 'c1', lines: [{ stockCode: 'TEA', quantity: 3 }] })

  const order = { token: session.token, cart: 'c1', lines: [tea] }
  const forged = await ask('POST', '/orders', { ...order, token: `${session.token}x` }, 'forged')
  assert.deepEqual([forged.status, forged.body.reason], [401, 'loggedOut'])
  assert.deepEqual((await ask('POST', '/orders', order, 'place')).body, { order: 'c1' })
  // The answer was lost, says the browser: nothing is ordered twice.
  assert.deepEqual((await ask('POST', '/orders', order, 'place')).body, { order: 'c1' })
  await app.settled()
  const placed = await ask<{ lines: object[]; value: number }>('GET', '/orders/c1')
  assert.deepEqual([placed.body.lines.length, placed.body.value], [1, 7650])
  assert.deepEqual((await ask('GET', '/carts/c1')).body, { cart: 'c1', lines: [] })
  assert.deepEqual((await ask('GET', '/stock/TEA')).body, { stockCode: 'TEA', onHand: -3 })

  await ask('POST', '/cancellations', { token: session.token, lines: [{ ...tea, quantity: 1 }] }, 'cancel')
  await app.settled()
  assert.deepEqual((await ask('GET', '/stock/TEA')).body, { stockCode: 'TEA', onHand: -2 })
  assert.equal((await ask('GET', '/orders/none')).status, 404)
  const stranger = await ask('POST', '/carts/checkOut', { cart: 'c1', customer, lines: [{ line: '1', ...tea }] })
  assert.equal(stranger.status, 403)
})

test('a token is nobody’s once it has expired, or when any of it was changed', () => {
  const token = sign('ada', lifetimeMs, 'secret')
  assert.deepEqual(read(token, lifetimeMs - 1, 'secret'), { customer: 'ada' })
  assert.equal(read(token, lifetimeMs, 'secret'), 'expired')
  const [claims, signature] = token.split('.') as [string, string]
  const other = Buffer.from('{"customer":"eve","until":9e15}').toString('base64url')
  for (const forged of [`${other}.${signature}`, claims, `${claims}.`, `${claims}.${signature}x`, '', '.'])
    assert.equal(read(forged, 0, 'secret'), 'forged', forged)
  assert.equal(read(token, 0, 'another secret'), 'forged')
})

test('a password is kept as a hash with a salt of its own', async () => {
  const [one, two] = [await hashed('pass word'), await hashed('pass word')]
  assert.notEqual(one, two)
  assert.ok(!one.includes('pass'))
  assert.deepEqual([await matches('pass word', one), await matches('pass Word', one)], [true, false])
  assert.equal(await matches('pass word', undefined), false)
})
