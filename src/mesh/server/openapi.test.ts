import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { z } from 'zod'
import { call } from '../../call.ts'
import { contract } from '../../contract.ts'
import { openapiOf } from './openapi.ts'

const Comment = z.object({
  text: z.string(),
  get answers(): z.ZodArray<typeof Comment> {
    return z.array(Comment)
  },
})

const Shop = contract('shop', {
  events: {},
  calls: {
    place: call({
      input: z.object({ sku: z.string(), n: z.number().default(1), comment: Comment.optional() }),
      output: z.object({ id: z.string() }),
      http: 'POST /orders',
      errors: { full: { data: z.object({ left: z.number() }) }, shut: {}, gone: { status: 410 } },
    }),
    change: call({
      input: z.object({ id: z.string(), n: z.number().optional() }),
      output: z.object({}),
      http: 'PUT /orders/{id}',
      idempotent: true,
    }),
    view: call({
      input: z.object({ id: z.string(), full: z.boolean().optional(), tags: z.array(z.string()) }),
      output: Comment,
      http: 'GET /orders/{id}',
    }),
  },
})

interface Described {
  readonly paths: Record<string, Record<string, { parameters: object[]; requestBody?: { required: boolean } }>>
  readonly components: { readonly schemas: Record<string, { required?: string[]; properties?: object }> }
}

const described = openapiOf([Shop]) as unknown as Described

test('the description is valid OpenAPI 3.1', async () => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(described) as never)
  assert.ok(valid, JSON.stringify(errors))
  assert.equal(validator.version, '3.1')
  // It resolves all references, or throws.
  assert.ok(validator.resolveRefs())
})

test('fields are where the route has them', () => {
  const named = (path: string, method: string): unknown[] =>
    (described.paths[path]?.[method]?.parameters ?? []).map((one) => {
      const { name, in: where, required, $ref } = one as Record<string, unknown>
      return $ref ?? [name, where, required]
    })
  const deadline = '#/components/parameters/Deadline'
  assert.deepEqual(named('/orders/{id}', 'get'), [
    ['id', 'path', true],
    ['full', 'query', false],
    ['tags', 'query', true],
    deadline,
  ])
  assert.deepEqual(named('/orders', 'post'), [deadline, '#/components/parameters/IdempotencyKey'])
  assert.deepEqual(named('/orders/{id}', 'put'), [['id', 'path', true], deadline])
  assert.deepEqual(Object.keys(described.components.schemas['shop.change.body']?.properties ?? {}), ['n'])
  assert.equal(described.paths['/orders']?.post?.requestBody?.required, true)
  assert.equal(described.paths['/orders/{id}']?.put?.requestBody?.required, false)
  assert.equal(described.paths['/orders/{id}']?.get?.requestBody, undefined)
})

test('a field with a default may be left out, and a schema that holds itself is a component', () => {
  assert.deepEqual(described.components.schemas['shop.place.input']?.required, ['sku'])
  const text = JSON.stringify(described)
  assert.ok(!text.includes('#/$defs/') && !text.includes('"$ref":"#"'))
})
