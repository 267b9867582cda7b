import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import type { Shape } from './coerce.ts'
import { mayLackNulls, withNulls } from './nulls.ts'

const read = (type: z.ZodType, value: unknown): unknown => {
  const schema = z.toJSONSchema(type, { io: 'input' }) as Shape
  return withNulls(value, schema, schema)
}

test('what must be there, may be null, and is missing, is null, however deep', () => {
  const Line = z.object({
    note: z.string().nullable(),
    n: z.number().optional(),
    maybe: z.string().nullable().optional(),
  })
  assert.deepEqual(read(Line, {}), { note: null })
  assert.deepEqual(read(Line, { note: '' }), { note: '' })
  const whole = z.object({ lines: z.array(Line), by: z.record(z.string(), Line), one: Line.nullable() })
  assert.deepEqual(read(whole, { lines: [{}, { note: 'x' }], by: { a: {} } }), {
    lines: [{ note: null }, { note: 'x' }],
    by: { a: { note: null } },
    one: null,
  })
  assert.deepEqual(read(whole, { lines: [], by: {}, one: {} }), { lines: [], by: {}, one: { note: null } })
})

test('what has no such field, however deep, need not be walked through', () => {
  const may = (type: z.ZodType): boolean => {
    const schema = z.toJSONSchema(type, { io: 'input' }) as Shape
    return mayLackNulls(schema, schema)
  }
  const note = z.object({ note: z.string().nullable() })
  for (const type of [note, z.array(note), z.record(z.string(), note), z.object({ one: note.optional() })])
    assert.ok(may(type))
  const Tree = z.object({
    name: z.string(),
    get below() {
      return z.array(Tree)
    },
  })
  for (const type of [z.object({ a: z.string(), b: z.string().nullable().optional() }), z.array(z.int()), Tree])
    assert.ok(!may(type))
})
