import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { breakingChanges, type Shape, type Side } from './compatible.ts'

const shape = (type: z.ZodType, side: Side): Shape =>
  z.toJSONSchema(type, { io: side === 'received' ? 'output' : 'input' }) as Shape

const told = (side: Side, before: z.ZodType, now: z.ZodType): string[] =>
  breakingChanges(shape(before, side), shape(now, side), side).map(({ path, why }) => `${path}: ${why}`)

const Old = z.object({ id: z.string(), n: z.number().optional(), lines: z.array(z.object({ sku: z.string() })) })
const add = (more: z.core.$ZodLooseShape): z.ZodType => Old.extend(more)

test('a schema that did not change breaks nothing, whichever way it goes', () => {
  for (const side of ['given', 'received', 'both'] as const) assert.deepEqual(told(side, Old, Old), [])
})

test('a new field is fine where it may be left out; readers do not mind one', () => {
  const optional = add({ note: z.string().optional() })
  for (const side of ['given', 'received', 'both'] as const) assert.deepEqual(told(side, Old, optional), [])
  assert.deepEqual(told('given', Old, add({ note: z.string().default('') })), [])
  const required = add({ note: z.string() })
  assert.deepEqual(told('received', Old, required), [])
  for (const side of ['given', 'both'] as const)
    assert.deepEqual(told(side, Old, required), ['note: it is new, and must be given'])
})

test('a field that is gone breaks those who give it and those who read it', () => {
  for (const side of ['given', 'received', 'both'] as const)
    assert.deepEqual(told(side, Old, Old.omit({ id: true })), ['id: it is gone'])
})

test('who gives must not be asked for more, who reads must not get less', () => {
  const [must, may] = [add({ n: z.number() }), add({ id: z.string().optional() })]
  assert.deepEqual(told('given', Old, must), ['n: it must be given now'])
  assert.deepEqual(told('received', Old, must), [])
  assert.deepEqual(told('given', Old, may), [])
  assert.deepEqual(told('received', Old, may), ['id: it may be missing now'])
})

test('kinds may grow for those who give, and shrink for those who read', () => {
  const [wide, narrow] = [z.object({ a: z.union([z.string(), z.number()]) }), z.object({ a: z.string() })]
  assert.deepEqual(told('given', narrow, wide), [])
  assert.deepEqual(told('received', narrow, wide), ['a: it was string and is number or string'])
  assert.deepEqual(told('given', wide, narrow), ['a: it was number or string and is string'])
  assert.deepEqual(told('received', wide, narrow), [])
  assert.equal(told('both', narrow, wide).length, 1)
  assert.deepEqual(told('given', z.object({ a: z.any() }), narrow), ['a: it was anything and is string'])
  assert.deepEqual(told('received', narrow, z.object({ a: z.any() })), ['a: it was string and is anything'])
})

test('the same holds for the values of an enumeration', () => {
  const [two, three] = [z.object({ a: z.enum(['x', 'y']) }), z.object({ a: z.enum(['x', 'y', 'z']) })]
  assert.deepEqual(told('given', two, three), [])
  assert.deepEqual(told('received', two, three), ['a: it may be "z" now'])
  assert.deepEqual(told('given', three, two), ['a: "z" is not taken any more'])
  assert.deepEqual(told('received', three, two), [])
  const text = z.object({ a: z.string() })
  assert.deepEqual(told('given', text, two), ['a: only "x", "y" is taken now'])
  assert.deepEqual(told('received', two, text), ['a: it may be other than "x", "y" now'])
})

test('limits bind those who give', () => {
  const limited = (min: number, max: number): z.ZodType => z.object({ a: z.array(z.string()).min(min).max(max) })
  assert.deepEqual(told('given', limited(1, 9), limited(0, 10)), [])
  assert.deepEqual(told('given', limited(1, 9), limited(2, 8)), [
    'a: its minItems is 2 now',
    'a: its maxItems is 8 now',
  ])
  assert.deepEqual(told('received', limited(1, 9), limited(2, 8)), [])
  const text = (pattern?: RegExp): z.ZodType => z.object({ a: pattern ? z.string().regex(pattern) : z.string() })
  assert.deepEqual(told('given', text(), text(/^a$/)), ['a: its pattern is ^a$ now'])
  assert.deepEqual(told('given', text(/^a$/), text()), [])
})

test('what is beneath arrays, records and references is compared, and schemas may hold themselves', () => {
  const lines = add({ lines: z.array(z.object({ sku: z.number() })) })
  assert.deepEqual(told('given', Old, lines), ['lines[].sku: it was string and is number'])
  const record = (type: z.ZodType): z.ZodType => z.object({ a: z.record(z.string(), type) })
  assert.deepEqual(told('given', record(z.string()), record(z.number())), ['a{}: it was string and is number'])
  const tree = (text: z.ZodType): z.ZodType => {
    const Tree: z.ZodType = z.object({ text, below: z.array(z.lazy(() => Tree)) })
    return Tree
  }
  assert.deepEqual(told('both', tree(z.string()), tree(z.string())), [])
  assert.deepEqual(told('both', tree(z.string()), tree(z.number())), ['text: it was string and is number'])
})
