import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../errors.ts'
import { defaultCallRetry } from '../resilience/retry.ts'
import { endpoints, meshed, ok, passing, status } from './fixture.ts'

const asking = { service: 'orders', method: 'POST', path: '/', idempotent: false }
const once = { retry: { ...defaultCallRetry, retries: 0 } }
const turnedAway = status(503, { 'skerry-not-begun': 'shed', 'retry-after': '1' })

test('a service that turns calls away is not given up: no circuit opens, and no instance is left out', async () => {
  const { clock, discovery, transport, client } = meshed(once)
  discovery.say('orders', endpoints('a', 'b'))
  transport.answers = async () => turnedAway
  for (let n = 0; n < 60; n++) {
    const { status: said } = await passing(clock, client.request(asking), 150)
    assert.equal(said, 503)
  }
  transport.answers = async () => ok()
  for (let n = 0; n < 20; n++) await passing(clock, client.request(asking))
  assert.deepEqual(new Set(transport.sent.slice(-20).map(({ id }) => id)), new Set(['a', 'b']))
})

test('of calls that are far too many for a service most are held back here, and nobody asks in their name', async () => {
  const { clock, discovery, transport, client } = meshed(once)
  discovery.say('orders', endpoints('a'))
  transport.answers = async () => (transport.sent.length % 20 === 0 ? ok() : turnedAway)
  let heldBack = 0
  const asked = 5000
  for (let n = 0; n < asked; n++) {
    const answer = client.request(asking)
    answer.catch((error: unknown) => {
      if (codeOf(error) === 'overloaded') heldBack++
    })
    if (n % 10 === 9) await clock.advance(10)
  }
  assert.equal(heldBack + transport.sent.length, asked)
  assert.ok(transport.sent.length < asked / 3, `${transport.sent.length}`)
})
