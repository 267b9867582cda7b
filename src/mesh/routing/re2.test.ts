import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRe2 } from './re2.ts'

test('the whole text must match', () => {
  assert.equal(compileRe2('b+').matches('abb'), false)
  assert.equal(compileRe2('a|ab').matches('ab'), true)
  assert.equal(compileRe2('(?i)ORDERS').matches('orders'), true)
})

test('what RE2 does not know is refused, though JavaScript knows it', () => {
  for (const source of ['(?=x)', '(a)\\1', '(?<!x)y', '*', '(', 'a{1001}'])
    assert.throws(() => compileRe2(source), /error parsing regexp/, source)
})

test('groups stand in the substitution by number, a backslash by two; a dollar is a dollar', () => {
  const replaced = compileRe2('a(b)?').replace('aab', '<\\1|\\0|\\2|\\\\|$1>')
  assert.equal(replaced, '<|a||\\|$1><b|ab||\\|$1>')
})

test('matching takes time linear in the text, where RegExp would take for ever', () => {
  const evil = compileRe2('(a+)+$')
  assert.equal(evil.matches(`${'a'.repeat(50_000)}b`), false)
})
