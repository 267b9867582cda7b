import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { jsonSchemaOf, type Schema, validate } from './schema.ts'

const order = z.object({ id: z.string(), lines: z.array(z.object({ quantity: z.number().int() })).default([]) })

const byHand = (result: unknown): Schema<unknown> => ({
  '~standard': { version: 1, vendor: 'by hand', validate: () => result as never },
})

test('a value that fits comes back with the defaults of its schema', () => {
  assert.deepEqual(validate(order, { id: 'a' }, 'orders.placed'), { id: 'a', lines: [] })
})

test('one that does not fit is refused with the path of the problem', () => {
  assert.throws(() => validate(order, { id: 'a', lines: [{ quantity: 1 }, { quantity: 1.5 }] }, 'orders.placed'), {
    code: 'invalid_event',
    message: /^orders\.placed: lines\.1\.quantity: /,
  })
  assert.throws(() => validate(order, null, 'orders.placed'), { code: 'invalid_event', message: /^orders\.placed: \w/ })
})

test('at most three problems are named', () => {
  const many = z.object({ a: z.string(), b: z.string(), c: z.string(), d: z.string() })
  assert.throws(
    () => validate(many, {}, 'x'),
    (error: Error) => error.message.split('; ').length === 3,
  )
})

test('a path may be given as segments with keys', () => {
  const issues = [{ message: 'is wrong', path: ['a', { key: 3 }, { key: Symbol.for('s') }] }]
  assert.throws(() => validate(byHand({ issues }), {}, 'x'), { message: 'x: a.3.Symbol(s): is wrong' })
})

test('a schema that validates asynchronously is a fault of the code, not of the event', () => {
  const later = z.string().refine(async () => true)
  assert.throws(
    () => validate(later, 'text', 'orders.placed'),
    (error: { code?: string }) => error.code !== 'invalid_event',
  )
  assert.throws(() => validate(byHand(Promise.resolve({ value: 1 })), 1, 'orders.placed'), {
    code: 'invalid_config',
    message: /asynchronously/,
  })
})

test('the JSON Schema is that of what a publisher gives', () => {
  const schema = jsonSchemaOf(order, 'orders.placed') as { properties: Record<string, unknown>; required: string[] }
  assert.deepEqual(Object.keys(schema.properties), ['id', 'lines'])
  assert.deepEqual(schema.required, ['id'])
})

test('a library without JSON Schema is named', () => {
  assert.throws(() => jsonSchemaOf(byHand({ value: 1 }), 'orders.placed'), {
    code: 'invalid_config',
    message: /orders\.placed: by hand gives no JSON Schema/,
  })
})
