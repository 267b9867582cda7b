import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type AnyCall, type AnyCallSpec, call, fieldsOf, Refusal } from './call.ts'
import { contract, event, info } from './contract.ts'
import { service } from './service.ts'

const input = z.object({ id: z.string(), n: z.number().default(1) })
const output = z.object({ n: z.number() })

const Shop = contract('shop', {
  events: { opened: event({ data: output }) },
  calls: {
    place: call({ input, output, errors: { full: { data: z.object({ left: z.number() }) }, shut: { status: 423 } } }),
    view: call({ input, output, http: 'GET /shop/{id}' }),
    set: call({ input, output, http: 'PUT /shop/{id}', idempotent: true, deadlineMs: 100, from: ['till'] }),
  },
})

const refused = (message: RegExp) => ({ code: 'invalid_config', message })
const withCall =
  (given: object, name = 'place') =>
  () =>
    contract('shop', { events: {}, calls: { [name]: { input, output, ...given } as AnyCallSpec } })

test('a call knows its route, whether it may be repeated, and how long its callers wait', () => {
  const { place, view, set } = Shop
  assert.deepEqual([place.label, place.method, place.path], ['shop.place', 'POST', '/shop/place'])
  assert.deepEqual([place.readOnly, place.idempotent, place.deadlineMs, place.from], [false, false, 2000, undefined])
  assert.deepEqual([view.readOnly, view.idempotent, view.path], [true, true, '/shop/{id}'])
  assert.deepEqual([set.readOnly, set.idempotent, set.deadlineMs, set.from], [false, true, 100, ['till']])
  assert.deepEqual([...Shop[info].calls.keys()], ['place', 'view', 'set'])
  assert.deepEqual(fieldsOf('/a/{one}/b/{two}'), ['one', 'two'])
})

test('what callers give is checked and completed, what handlers return is checked', () => {
  assert.deepEqual(Shop.place.take({ id: 'a' }), { id: 'a', n: 1 })
  assert.throws(() => Shop.place.take({ id: 7 } as never), { code: 'invalid_request', message: /^shop\.place: id: / })
  assert.throws(() => Shop.place.give({} as never), { code: 'failed', message: /what its handler returned: n: / })
})

test('a refusal is known by its call and its name, and has its data', () => {
  const refusal = Shop.place.refuse('full', { left: 3 })
  assert.ok(refusal instanceof Refusal)
  assert.deepEqual([refusal.code, refusal.status, refusal.message], ['refused', 409, 'shop.place: full'])
  assert.ok(Shop.place.refused(refusal, 'full') && refusal.data.left === 3)
  assert.equal(Shop.place.refused(refusal, 'shut'), false)
  assert.equal(Shop.place.refuse('shut').status, 423)
  assert.throws(() => Shop.place.refuse('full', { left: 'x' } as never), { code: 'failed', message: /left/ })
  assert.throws(() => (Shop.place as AnyCall).refuse('lost'), { code: 'failed', message: /declares no error 'lost'/ })
})

test('schemas are told as JSON Schema, of what is given and of what is answered', () => {
  assert.deepEqual(Shop.place.inputSchema().required, ['id'])
  assert.deepEqual(Shop.place.outputSchema().required, ['n'])
  assert.equal(Shop.place.errors.get('full')?.schema()?.type, 'object')
  assert.equal(Shop.place.errors.get('shut')?.schema(), undefined)
})

test('what is wrong with a call is named', () => {
  const wrong: [object, RegExp][] = [
    [{ http: 'POST orders' }, /call 'shop\.place': http 'POST orders': write/],
    [{ http: 'POST /a b' }, /write/],
    [{ http: 'POST /orders/' }, /write/],
    [{ http: 'POST /orders/{a-b}' }, /write/],
    [{ http: 'POST /{a}/{a}' }, /a field stands there twice/],
    [{ http: 'POST /a/../b' }, /are no names/],
    [{ http: 'GET /a', readOnly: false }, /GET changes nothing/],
    [{ readOnly: true, idempotent: false }, /is idempotent/],
    [{ deadlineMs: 0 }, /deadlineMs 0 is not within 1–60000/],
    [{ deadlineMs: 60_001 }, /deadlineMs/],
    [{ rememberMs: 1 }, /rememberMs 1 is not within/],
    [{ errors: { full: { status: 500 } } }, /status 500 is not within 400–499/],
    [{ errors: { 'f ull': {} } }, /error 'f ull'/],
  ]
  for (const [given, message] of wrong) assert.throws(withCall(given), refused(message))
  assert.throws(withCall({}, '9'), refused(/call 'shop\.9': use a name/))
  const both = { events: { place: event({ data: output }) }, calls: { place: call({ input, output }) } }
  assert.throws(() => contract('shop', both as never), refused(/an event has this name/))
})

test('a service answers calls of its own contract, each with one handler', () => {
  const shop = service(Shop)
  const answer = () => ({ n: 1 })
  shop.serve(Shop.place, answer)
  assert.equal(shop.calls.get('place')?.handler.handle, answer)
  assert.throws(() => shop.serve(Shop.place, answer), refused(/shop\.place: two handlers/))
  const Other = contract('other', { events: {}, calls: { place: call({ input, output }) } })
  assert.throws(() => shop.serve(Other.place as never, answer), refused(/shop serves only calls of its own contract/))
  assert.throws(() => shop.serve(Shop.view, { prepare: answer, handle: answer } as never), refused(/has one step/))
  assert.throws(() => service(Shop, { projection: true }).serve(Shop.place, answer), refused(/a projection/))
})
