import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type AnyCall, type CallSpec, call, type Route } from '../../call.ts'
import { contract } from '../../contract.ts'
import { planInput, readInput } from './input.ts'

const typeOf = (http: Route, input: z.ZodType): AnyCall =>
  contract('shop', { events: {}, calls: { ask: call({ input, output: z.object({}), http } as CallSpec) } })
    .ask as AnyCall

const Line = z.object({ id: z.string(), n: z.number().optional(), tags: z.array(z.string()).optional() })
const refused = (message: RegExp) => ({ code: 'invalid_request', message })

test('GET and DELETE take fields from path and query', () => {
  const plan = planInput(typeOf('GET /lines/{id}', Line))
  const query = { n: '3', tags: 'a', other: 'x' }
  const input = readInput(plan, { params: { id: '7' }, query, body: undefined })
  assert.deepEqual(input, { id: '7', n: 3, tags: ['a'], other: 'x' })
})

test('fields that the schema does not know are handed on as they are, whatever they are called', () => {
  const plan = planInput(typeOf('GET /lines', Line))
  const query = Object.assign(Object.create(null), { constructor: ['a', 'b'], toString: 'c', other: ['d', 'e'] })
  assert.deepEqual(readInput(plan, { params: {}, query, body: undefined }), { ...query })
})

test('all others take them from path and body, and nothing from a query', () => {
  const plan = planInput(typeOf('PUT /lines/{id}', Line))
  assert.deepEqual(readInput(plan, { params: { id: '7' }, query: {}, body: { n: 3 } }), { id: '7', n: 3 })
  assert.deepEqual(readInput(plan, { params: { id: '7' }, query: {}, body: undefined }), { id: '7' })
  assert.throws(
    () => readInput(plan, { params: { id: '7' }, query: { n: '3' }, body: {} }),
    refused(/takes no query, but the field 'n' is in one/),
  )
  for (const body of [[], 'text', null])
    assert.throws(() => readInput(plan, { params: { id: '7' }, query: {}, body }), refused(/its body is not an object/))
})

test('what path and body say of one field must be the same', () => {
  const plan = planInput(typeOf('PUT /lines/{n}', Line))
  assert.deepEqual(readInput(plan, { params: { n: '7' }, query: {}, body: { n: 7 } }), { n: 7 })
  assert.throws(() => readInput(plan, { params: { n: '7' }, query: {}, body: { n: 8 } }), refused(/differ in 'n'/))
})

test('without fields in the path the body is the input, whatever it is', () => {
  const plan = planInput(typeOf('POST /lines', z.array(z.number())))
  assert.deepEqual(readInput(plan, { params: {}, query: {}, body: [1] }), [1])
  assert.deepEqual(readInput(plan, { params: {}, query: {}, body: undefined }), {})
})

test('a field called __proto__ is a field like any other here', () => {
  const plan = planInput(typeOf('PUT /lines/{id}', Line))
  const input = readInput(plan, { params: { id: '7' }, query: {}, body: JSON.parse('{"__proto__":{"evil":1}}') })
  assert.equal((input as { evil?: number }).evil, undefined)
  assert.ok(Object.hasOwn(input as object, '__proto__'))
})

test('what a path or a query cannot hold is refused when the call is declared', () => {
  const wrong: [Route, z.ZodType, RegExp][] = [
    ['GET /lines/{gone}', Line, /no field 'gone', which its path names/],
    ['PUT /lines/{tags}', Line, /a path cannot hold the field 'tags'/],
    ['GET /lines', z.object({ line: Line }), /a query cannot hold the field 'line'; use POST/],
    ['GET /lines', z.string(), /its input must be an object, since the query/],
    ['POST /lines/{id}', z.array(z.string()), /its input must be an object, since its path/],
  ]
  for (const [http, input, message] of wrong)
    assert.throws(() => planInput(typeOf(http, input)), { code: 'invalid_config', message })
})
