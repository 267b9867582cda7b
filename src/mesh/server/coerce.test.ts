import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { coerce, kindsOf, type Shape } from './coerce.ts'

const schemaOf = (type: z.ZodType): Shape => z.toJSONSchema(type, { io: 'input' }) as Shape
const read = (type: z.ZodType, given: string | string[]): unknown => coerce(given, schemaOf(type), schemaOf(type))

test('a text becomes what its schema wants, where it can be that', () => {
  assert.equal(read(z.number(), '12'), 12)
  assert.equal(read(z.number(), '-0.5e2'), -50)
  assert.equal(read(z.int(), '7'), 7)
  assert.equal(read(z.boolean(), 'true'), true)
  assert.equal(read(z.boolean(), 'false'), false)
  assert.equal(read(z.number().nullable(), ''), null)
  assert.equal(read(z.literal(3), '3'), 3)
  assert.equal(read(z.union([z.boolean(), z.number()]), '1'), 1)
})

test('what cannot be that stays a text, for the schema to refuse', () => {
  for (const text of ['', ' 1', '1 ', '0x10', '1_000', 'Infinity', 'NaN', '01', '+1', '1.', '.5'])
    assert.equal(read(z.number(), text), text)
  for (const text of ['TRUE', '1', 'yes', '']) assert.equal(read(z.boolean(), text), text)
})

test('what may be a text stays one', () => {
  assert.equal(read(z.string(), '12'), '12')
  assert.equal(read(z.union([z.string(), z.number()]), '12'), '12')
  assert.equal(read(z.any(), '12'), '12')
})

test('what is given several times is an array; an array may be given once', () => {
  assert.deepEqual(read(z.array(z.number()), ['1', '2']), [1, 2])
  assert.deepEqual(read(z.array(z.number()), '1'), [1])
  assert.deepEqual(read(z.array(z.string()).optional(), 'a'), ['a'])
  assert.deepEqual(read(z.union([z.array(z.number()), z.null()]), ['1']), [1])
  assert.deepEqual(read(z.string(), ['a', 'b']), ['a', 'b'], 'and is refused where none is wanted')
})

test('references are followed, and do not lead round for ever', () => {
  const root = { $defs: { N: { type: 'integer' }, Loop: { $ref: '#/$defs/Loop' }, 'a/b': { type: 'boolean' } } }
  assert.equal(coerce('5', { $ref: '#/$defs/N' }, root), 5)
  assert.equal(coerce('true', { $ref: '#/$defs/a~1b' }, root), true)
  assert.equal(coerce('5', { $ref: '#/$defs/Loop' }, root), '5')
  assert.equal(coerce('5', { $ref: '#/$defs/Gone' }, root), '5')
  assert.equal(kindsOf({ $ref: 'https://elsewhere' }, root).size, 0)
})
