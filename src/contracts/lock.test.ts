import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type CallSpec, call } from '../call.ts'
import { type AnyContract, contract, type EventSpec, event } from '../contract.ts'
import { brokenPromises, emptyLock, grown, promisesOf, readLock } from './lock.ts'

const data = z.object({ id: z.string() })
const more = z.object({ id: z.string(), n: z.number() })

const shop = (events: Record<string, EventSpec>, calls: Record<string, CallSpec> = {}): AnyContract =>
  contract('shop', { events, calls } as never)

const told = (before: AnyContract, now: AnyContract): string[] =>
  brokenPromises(promisesOf([before]), [now]).map(({ what, path, why }) => `${what} ${path}: ${why}`)

test('an event keeps what it says within a version, and may change with the next', () => {
  const before = shop({ placed: event({ data }) })
  assert.deepEqual(told(before, before), [])
  assert.deepEqual(told(before, shop({ placed: event({ data: more }) })), [
    'shop.placed n: it is new, and must be given',
  ])
  const raised = shop({ placed: event({ data: more, version: 2, upcast: { 1: (d) => ({ ...d, n: 0 }) } }) })
  assert.deepEqual(told(before, raised), [])
  assert.deepEqual(told(raised, before), ['shop.placed : its version went from 2 back to 1'])
  assert.deepEqual(told(before, shop({})), ['shop.placed : it is gone'])
  const [one] = brokenPromises(promisesOf([before]), [shop({ placed: event({ data: more }) })])
  assert.match(one?.instead ?? '', /make it optional.*; or raise the version to 2 and add an upcaster from 1/)
})

test('a call keeps its route, what it takes, what it gives, and what it refuses', () => {
  const errors = { full: { data }, shut: { status: 423 } }
  const place = (change: object): AnyContract =>
    shop({}, { place: call({ input: data, output: more, idempotent: true, errors, ...change } as CallSpec) })
  assert.deepEqual(told(place({}), place({})), [])
  assert.deepEqual(told(place({}), place({ input: z.object({}) })), ['shop.place input id: it is gone'])
  assert.deepEqual(told(place({}), place({ output: data })), ['shop.place output n: it is gone'])
  assert.deepEqual(told(place({}), place({ output: more.extend({ x: z.string() }) })), [])
  assert.deepEqual(told(place({}), place({ http: 'POST /orders' })), [
    'shop.place : its route was POST /shop/place and is POST /orders',
  ])
  assert.deepEqual(told(place({}), place({ idempotent: false })), ['shop.place : it is not idempotent any more'])
  assert.deepEqual(told(place({}), place({ errors: { full: { status: 410, data }, more: {} } })), [
    'shop.place error full : its status was 409 and is 410',
  ])
  assert.deepEqual(told(place({}), place({ errors: { full: { data: z.object({}) } } })), [
    'shop.place error full id: it is gone',
  ])
  assert.deepEqual(told(place({}), shop({})), ['shop.place : it is gone'])
})

test('a call goes on being answered to all who could send it; others may come', () => {
  const place = (...senders: string[]): AnyContract =>
    shop({}, { place: call({ input: data, output: more, senders }) as CallSpec })
  const sent = (contract: AnyContract) => promisesOf([contract]).services.shop?.calls.place?.senders
  assert.deepEqual([sent(place('web', 'app')), sent(place())], [['app', 'web'], undefined])
  assert.deepEqual(told(place('app'), place('web', 'app')), [])
  assert.deepEqual(told(place('web', 'app'), place('app')), ['shop.place : web may not send it any more'])
  const [one] = brokenPromises(promisesOf([place('web')]), [place()])
  assert.match(one?.instead ?? '', /let web stop sending first, deploy that, and once all is answered take it out here/)
  assert.deepEqual(told(place(), place('app')), [], 'in a lock that names none, none was promised')
  assert.deepEqual(grown(promisesOf([place()]), [place('app')]), promisesOf([place('app')]))
})

test('the lock grows: what other services promised stays', () => {
  const other = contract('other', { events: { said: event({ data }) } })
  const both = grown(promisesOf([shop({})]), [other])
  assert.deepEqual(Object.keys(both.services), ['other', 'shop'])
  assert.deepEqual(brokenPromises(both, [shop({ placed: event({ data }) })]), [])
  assert.deepEqual(readLock(JSON.stringify(both), 'lock'), JSON.parse(JSON.stringify(both)))
})

test('numbers of fields stay, and one that changes its type is told', () => {
  const place = (input: z.ZodType): AnyContract => shop({}, { place: call({ input, output: data }) })
  const lock = promisesOf([place(data)])
  assert.deepEqual(lock.services.shop?.numbers, {
    PlaceRequest: { id: [1, 'string'] },
    PlaceReply: { id: [1, 'string'] },
  })
  const wider = place(z.object({ first: z.string().optional(), id: z.string() }))
  assert.deepEqual(grown(lock, [wider]).services.shop?.numbers.PlaceRequest, {
    id: [1, 'string'],
    first: [2, 'optional string'],
  })
  const [before, after] = [place(z.object({ n: z.int() })), place(z.object({ n: z.number() }))]
  assert.match(told(before, after).join(), /PlaceRequest\.n: number 1 was int64 and is double/)
  assert.deepEqual(promisesOf([place(z.object({ any: z.any() }))]).services.shop?.numbers, {})
})

test('what is no lock is refused by the name of its file', () => {
  for (const text of ['', '[]', 'null', '{"format":2,"services":{}}'])
    assert.throws(() => readLock(text, 'a.json'), { code: 'invalid_config', message: /^a\.json is/ })
  assert.deepEqual(brokenPromises(emptyLock, [shop({ placed: event({ data }) })]), [])
})
