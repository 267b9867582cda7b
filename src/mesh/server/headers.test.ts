import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duplicateOf, readAbout } from './headers.ts'

const refused = (message: RegExp) => ({ code: 'invalid_request', message })

test('a call without headers says nothing of itself', () => {
  assert.deepEqual(readAbout({}), { from: undefined, key: undefined, deadlineMs: undefined, attributes: undefined })
})

test('idempotency keys come in quotes, or bare', () => {
  const key = (text: string): string | undefined => readAbout({ 'idempotency-key': text }).key
  assert.equal(key('"8e03978e-40d5-43e8-bc93-6894a57f9324"'), '8e03978e-40d5-43e8-bc93-6894a57f9324')
  assert.equal(key('8e03978e'), '8e03978e')
  assert.equal(key('"a \\"b\\" \\\\"'), 'a "b" \\')
  for (const text of ['', '""', '"a', 'a b', '"ü"', '"\u0007"', '"a"b"'])
    assert.throws(() => key(text), refused(/idempotency-key/))
  assert.equal(key('k'.repeat(255))?.length, 255)
  assert.throws(() => key('k'.repeat(256)), refused(/at most 255 characters/))
})

test('a deadline is whole milliseconds, a caller the name of a service', () => {
  assert.equal(readAbout({ 'skerry-timeout-ms': '250' }).deadlineMs, 250)
  for (const text of ['', '0', '-1', '1.5', '1e3', 'soon', '1234567890'])
    assert.throws(() => readAbout({ 'skerry-timeout-ms': text }), refused(/skerry-timeout-ms: give milliseconds/))
  assert.equal(readAbout({ 'skerry-from': 'shop' }).from, 'shop')
  assert.throws(() => readAbout({ 'skerry-from': 'Shop!' }), refused(/skerry-from/))
})

test('a broken trace is none', () => {
  const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  assert.deepEqual(readAbout({ traceparent: good }).attributes, { traceparent: good })
  for (const text of ['', 'x', good.toUpperCase(), good.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32))])
    assert.equal(readAbout({ traceparent: text }).attributes, undefined)
})

test('a header that means one thing is there once', () => {
  assert.equal(duplicateOf(['Host', 'a', 'Accept', 'b', 'accept', 'c']), undefined)
  assert.equal(duplicateOf(['Host', 'a', 'HOST', 'a']), 'host')
  assert.equal(duplicateOf(['Idempotency-Key', 'a', 'idempotency-key', 'b']), 'idempotency-key')
})
