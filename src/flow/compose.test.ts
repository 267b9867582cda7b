import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { contract, event } from '../contract.ts'
import { cancelType, type EventRecord } from '../event.ts'
import { compose, composeCancel } from './compose.ts'
import { receive } from './received.ts'

const now = 1_750_000_000_000
const given = { id: 'id-1', now, maxBytes: 1024 }
const Orders = contract('orders', {
  events: {
    placed: event({
      data: z.object({ orderId: z.string(), lines: z.array(z.number()).default([]) }),
      key: (d) => d.orderId,
      version: 2,
      upcast: { 1: (d) => ({ orderId: d.id }) },
    }),
    anything: event({ data: z.any() }),
    oddlyKeyed: event({ data: z.any(), key: (d) => d.key }),
  },
})
const { placed, anything, oddlyKeyed } = Orders

test('an event is stored with its key, its version, its time, and the defaults of its schema', () => {
  assert.deepEqual(compose(placed, { orderId: 'a' }, undefined, given), {
    id: 'id-1',
    type: 'placed',
    version: 2,
    key: 'a',
    time: now,
    due: 0,
    expires: 0,
    attributes: undefined,
    data: '{"orderId":"a","lines":[]}',
  })
})

test('data that does not fit is refused with its path', () => {
  assert.throws(() => compose(placed, { orderId: 7 }, undefined, given), {
    code: 'invalid_event',
    message: /^orders\.placed: orderId: /,
  })
})

test('what is no JSON is refused', () => {
  for (const data of [undefined, () => 1, Symbol('s')])
    assert.throws(() => compose(anything, data, undefined, given), { code: 'invalid_event', message: /not JSON/ })
  const circular: Record<string, unknown> = {}
  circular.self = circular
  for (const data of [circular, 1n])
    assert.throws(() => compose(anything, data, undefined, given), { code: 'invalid_event' })
})

test('a key that is no text is refused', () => {
  for (const key of [undefined, null, 7, {}])
    assert.throws(() => compose(oddlyKeyed, { key }, undefined, given), { code: 'invalid_event', message: /key/ })
})

test('the size limit counts bytes, not characters', () => {
  const text = (length: number): string => '☃'.repeat(length)
  compose(anything, text(340), undefined, given)
  assert.throws(() => compose(anything, text(341), undefined, given), {
    code: 'event_too_large',
    message: /orders\.anything: 1025 bytes, at most 1024/,
  })
  compose(anything, 'x'.repeat(1022), undefined, given)
  assert.throws(() => compose(anything, 'x'.repeat(1023), undefined, given), { code: 'event_too_large' })
})

test('a delay is milliseconds from now, or a time; one that is over is none', () => {
  const due = (delay: number | Date): number => compose(anything, 1, { delay }, given).due
  assert.equal(due(1000), now + 1000)
  assert.equal(due(0.5), now + 1)
  assert.equal(due(new Date(now + 5)), now + 5)
  for (const over of [0, -1000, new Date(now), new Date(0)]) assert.equal(due(over), 0)
  for (const delay of [Number.NaN, Number.POSITIVE_INFINITY, new Date('x')])
    assert.throws(() => due(delay), { code: 'invalid_event', message: /delay/ })
})

test('an expiry is a time, and one before all times is over, not none', () => {
  const expires = (at: Date): number => compose(anything, 1, { expires: at }, given).expires
  assert.equal(expires(new Date(now)), now)
  assert.ok(expires(new Date(0)) > 0)
  assert.ok(expires(new Date(-5)) > 0)
  assert.throws(() => expires(new Date('x')), { code: 'invalid_event', message: /expires/ })
})

test('attributes go beside those that travel on, by the rules of CloudEvents', () => {
  const caused = { ...given, attributes: { correlationid: 'c', causationid: 'd' } }
  const record = compose(anything, 1, { attributes: { tenant: 'x', correlationid: 'own', n: 1, yes: true } }, caused)
  assert.deepEqual(record.attributes, { correlationid: 'own', causationid: 'd', tenant: 'x', n: 1, yes: true })
  for (const name of ['', 'id', 'subject', 'Upper', 'with-dash', 'ünicode', 'a'.repeat(21)])
    assert.throws(() => compose(anything, 1, { attributes: { [name]: 'x' } }, given), {
      code: 'invalid_event',
      message: /attribute/,
    })
})

test('a withdrawal names the event that it takes back', () => {
  const record = composeCancel(placed, 'id-0', 'a', given)
  assert.equal(record.type, cancelType)
  assert.equal(record.key, 'a')
  assert.deepEqual(JSON.parse(record.data), { id: 'id-0', type: 'placed' })
})

const delivered = (record: Partial<EventRecord>) => ({
  stream: 'orders',
  position: 1,
  record: { ...compose(placed, { orderId: 'a' }, undefined, given), ...record },
})

test('what is published comes back to a handler, parsed anew for each', () =>
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const record = compose(anything, value, undefined, { ...given, maxBytes: 1e6 })
      const delivery = { stream: 'orders', position: 1, record }
      const [first, second] = [receive(anything, delivery, 1), receive(anything, delivery, 2)]
      assert.deepEqual(first.data, JSON.parse(JSON.stringify(value)))
      if (typeof value === 'object' && value !== null) assert.notEqual(first.data, second.data)
    }),
  ))

test('a handler gets the newest version, and is told where the event comes from', () => {
  const received = receive(placed, delivered({ version: 1, data: '{"id":"b"}' }), 3)
  assert.deepEqual(received, {
    id: 'id-1',
    source: 'orders',
    type: 'placed',
    version: 2,
    key: 'a',
    time: new Date(now),
    data: { orderId: 'b', lines: [] },
    attributes: {},
    attempt: 3,
  })
})

test('a body that is no JSON, or does not fit, is an invalid event; an unknown version is not', () => {
  assert.throws(() => receive(placed, delivered({ data: '{' }), 1), {
    code: 'invalid_event',
    message: /id-1.*not JSON/,
  })
  assert.throws(() => receive(placed, delivered({ data: '{}' }), 1), { code: 'invalid_event', message: /orderId/ })
  assert.throws(() => receive(placed, delivered({ version: 3 }), 1), { code: 'unknown_version' })
})

test('an upcaster that fails makes an invalid event, not one to be tried again', () => {
  assert.throws(() => receive(placed, delivered({ version: 1, data: 'null' }), 1), {
    code: 'invalid_event',
    message: /orders\.placed.*version 1/,
  })
})
