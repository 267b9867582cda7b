import assert from 'node:assert/strict'
import { test } from 'node:test'
import protobuf from 'protobufjs'
import { z } from 'zod'
import { type AnyCall, type CallSpec, call } from '../call.ts'
import { type AnyContract, contract } from '../contract.ts'
import { messagesOf } from './messages.ts'
import { numbered, protoOf, wrongNumbers } from './proto.ts'

const Comment = z
  .object({
    text: z.string(),
    get answers(): z.ZodArray<typeof Comment> {
      return z.array(Comment)
    },
  })
  .meta({ id: 'Comment' })

const Place = z.object({
  sku: z.string(),
  n: z.int().optional(),
  weight: z.number().nullable(),
  gift: z.boolean().default(false),
  size: z.enum(['s', 'm']),
  lines: z.array(z.object({ sku: z.string(), tags: z.array(z.string()) })),
  prices: z.record(z.string(), z.number()),
  comment: Comment.optional(),
})

const contractOf = (input: z.ZodType, output: z.ZodType = z.object({ id: z.string() })): AnyContract =>
  contract('web-shop', {
    events: {},
    calls: {
      'place-order': call({ input, output } as CallSpec),
      view: call({ input: z.object({ id: z.string() }), output: z.object({}), readOnly: true }),
    },
  })
const typeOf = (input: z.ZodType): AnyCall =>
  (contractOf(input) as unknown as Record<string, AnyCall>)['place-order'] as AnyCall
const messages = messagesOf(typeOf(Place))

test('the file is one that protobuf reads, and its messages carry what the call takes', () => {
  const shop = contractOf(Place)
  const all = Object.values({ ...shop }).flatMap((type) => messagesOf(type as unknown as AnyCall))
  const { root } = protobuf.parse(protoOf(shop, numbered({}, all)), { keepCase: true })
  const Request = root.lookupType('web_shop.PlaceOrderRequest')
  const input = {
    ...{ sku: 'a', n: 3, weight: 1.5, gift: true, size: 's' },
    lines: [{ sku: 'b', tags: ['x', 'y'] }],
    prices: { gbp: 1.25 },
    comment: { text: 'c', answers: [{ text: 'd', answers: [] }] },
  }
  const read = Request.toObject(Request.decode(Request.encode(Request.fromObject(input)).finish()), {
    longs: Number,
    arrays: true,
  })
  assert.deepEqual(read, input)
  const service = root.lookupService('web_shop.WebShop')
  assert.deepEqual(Object.keys(service.methods), ['PlaceOrder', 'View'])
})

test('numbers are given once: new fields get new ones, and those that are gone keep theirs', () => {
  const first = numbered({}, messages)
  assert.deepEqual(first['PlaceOrderRequest.Lines'], { sku: [1, 'string'], tags: [2, 'repeated string'] })
  const changed = messagesOf(typeOf(Place.omit({ sku: true }).extend({ new: z.string() })))
  const second = numbered(first, changed)
  assert.deepEqual(second.PlaceOrderRequest?.sku, first.PlaceOrderRequest?.sku)
  const numbers = Object.values(second.PlaceOrderRequest ?? {}).map(([number]) => number)
  assert.equal(new Set(numbers).size, numbers.length)
  assert.deepEqual(second.PlaceOrderRequest?.new, [9, 'string'])
  const shop = contractOf(Place.omit({ sku: true }).extend({ new: z.string() }))
  const all = Object.values({ ...shop }).flatMap((type) => messagesOf(type as unknown as AnyCall))
  assert.match(protoOf(shop, numbered(second, all)), / {2}reserved 1;\n {2}reserved "sku";/)
  assert.throws(() => protoOf(shop, first), { code: 'not_found', message: /new has no number in the lock/ })
})

test('a number that is given twice, or changes its type, is told', () => {
  const first = numbered({}, messages)
  assert.deepEqual(wrongNumbers(first, messages), [])
  const twice = { ...first, PlaceOrderRequest: { ...first.PlaceOrderRequest, old: [1, 'string'] as const } }
  assert.deepEqual(wrongNumbers(twice, messages), ['PlaceOrderRequest.old: its number 1 is that of sku'])
  const changed = messagesOf(typeOf(Place.extend({ n: z.number(), sku: z.string().optional() })))
  assert.deepEqual(wrongNumbers(first, changed), ['PlaceOrderRequest.n: number 2 was optional int64 and is double'])
})

test('what protobuf cannot say is refused by name', () => {
  const Shared = z.object({ a: z.string() })
  const wrong: [z.ZodType, RegExp][] = [
    [z.string(), /web-shop\.place-order input cannot be said in protobuf: it is no object/],
    [z.object({ a: z.any() }), /input a cannot be said in protobuf: it may be anything/],
    [z.object({ a: z.union([z.string(), z.number()]) }), /input a .*one of several kinds/],
    [z.object({ a: z.array(z.array(z.string())) }), /input a .*list of lists/],
    [z.object({ a: z.array(z.string().nullable()) }), /input a .*with nulls/],
    [z.object({ a: z.array(z.string()).nullable() }), /input a .*may be null/],
    [z.object({ 'a-b': z.string() }), /input a-b .*no such name/],
    [z.object({ a_b: Shared, aB: Shared.extend({}) }), /two messages would be called PlaceOrderRequest\.AB/],
  ]
  for (const [input, message] of wrong)
    assert.throws(() => messagesOf(typeOf(input)), { code: 'invalid_config', message })
})
