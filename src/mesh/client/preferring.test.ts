import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../time.ts'
import { Lost, type Target, type WireRequest } from '../transport.ts'
import { ok, ToldTransport } from './fixture.ts'
import { PreferringTransport } from './preferring.ts'

const request: WireRequest = { method: 'GET', path: '/', headers: {}, body: new Uint8Array() }
const never = new AbortController().signal
const both: Target = { id: 'a', address: 'http://a:80', frames: 'tcp://a:70' }
const plain: Target = { id: 'b', address: 'http://b:80' }

function rig() {
  const [clock, frames, http] = [new VirtualClock(), new ToldTransport(), new ToldTransport()]
  const transport = new PreferringTransport({ clock, frames, http })
  const counts = (): readonly [number, number] => [frames.sent.length, http.sent.length]
  return { clock, frames, http, transport, counts }
}

test('frames are spoken where an endpoint offers them, or nothing else, and HTTP otherwise', async () => {
  const { frames, transport, counts } = rig()
  const addresses: string[] = []
  frames.answers = async ({ address }) => {
    addresses.push(address)
    return ok()
  }
  await transport.send(both, request, never)
  assert.deepEqual(counts(), [1, 0])
  await transport.send(plain, request, never)
  assert.deepEqual(counts(), [1, 1])
  for (const address of ['tcp://c:70', 'tls://c:70']) await transport.send({ id: 'c', address }, request, never)
  assert.deepEqual(counts(), [3, 1])
  assert.deepEqual(addresses, ['tcp://a:70', 'tcp://c:70', 'tls://c:70'])
})

test('frames that cannot be reached are tried again after half a minute; meanwhile HTTP is spoken, from that request on', async () => {
  const { clock, frames, transport, counts } = rig()
  frames.answers = async () => Promise.reject(new Lost('connect', 'no such file'))
  assert.equal((await transport.send(both, request, never)).status, 200)
  assert.deepEqual(counts(), [1, 1])
  await clock.advance(29_999)
  await transport.send(both, request, never)
  assert.deepEqual(counts(), [1, 2])
  frames.answers = async () => ok()
  await clock.advance(1)
  await transport.send(both, request, never)
  assert.deepEqual(counts(), [2, 2])
})

test('what may have reached a handler is not sent a second time', async () => {
  for (const how of ['reset', 'refused'] as const) {
    const { frames, transport, counts } = rig()
    frames.answers = async () => Promise.reject(new Lost(how, 'it broke'))
    await assert.rejects(transport.send(both, request, never), { how })
    assert.deepEqual(counts(), [1, 0])
  }
})

test('an endpoint that is gone is forgotten by both, and by what was known of its frames', async () => {
  const { frames, http, transport, counts } = rig()
  frames.answers = async () => Promise.reject(new Lost('connect', 'refused'))
  await transport.send(both, request, never)
  transport.keepOnly([plain])
  assert.deepEqual([frames.kept, http.kept], [[plain], [plain]])
  frames.answers = async () => ok()
  await transport.send(both, request, never)
  assert.deepEqual(counts(), [2, 1])
})
