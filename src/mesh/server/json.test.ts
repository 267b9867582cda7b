import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkJson, deepest, parseJson } from './json.ts'

const refused = (message: RegExp) => ({ code: 'invalid_request', message })
const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)

test('a body is JSON in UTF-8', () => {
  assert.deepEqual(parseJson(Buffer.from('{"a":"é"}')), { a: 'é' })
  for (const text of ['', '{', '{a:1}', "{'a':1}", '[1,]', 'NaN', '01'])
    assert.throws(() => parseJson(Buffer.from(text)), refused(/not JSON/))
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
  ])
    assert.throws(() => parseJson(Uint8Array.from(bytes)), refused(/not UTF-8/))
})

test('nesting ends somewhere', () => {
  checkJson(nested(deepest))
  assert.throws(() => checkJson(nested(deepest + 1)), refused(/nested more than 64 levels/))
  assert.throws(() => checkJson(nested(200_000)), refused(/nested/))
})

test('what stores and copies stumble over is refused', () => {
  checkJson({ a: ['b', null, 1, true, { constructor: 'c' }] })
  assert.throws(() => checkJson({ a: ['b\0'] }), refused(/a text holds the character U\+0000/))
  assert.throws(() => checkJson({ 'a\0': 1 }), refused(/name of a field/))
  assert.throws(() => checkJson(JSON.parse('{"a":{"__proto__":{}}}')), refused(/called __proto__/))
})
