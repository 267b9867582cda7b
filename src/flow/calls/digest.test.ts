import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from './digest.ts'

test('the same JSON has the same digest, in whatever order its fields came', () => {
  assert.equal(digestOf({ a: 1, b: { c: [1, 2], d: null } }), digestOf({ b: { d: null, c: [1, 2] }, a: 1 }))
  assert.notEqual(digestOf({ a: [1, 2] }), digestOf({ a: [2, 1] }))
  assert.notEqual(digestOf({ a: 1 }), digestOf({ a: '1' }))
  assert.equal(digestOf(undefined), digestOf(undefined))
})

test('a field called __proto__ counts', () => {
  assert.notEqual(digestOf(JSON.parse('{"__proto__":{"a":1}}')), digestOf({}))
})
