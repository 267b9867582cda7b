import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { Council, type Said } from './council.ts'

function after(...said: Said[]): Council {
  const council = new Council()
  for (const one of said) council.apply(one)
  return council
}

const here = (member: string, rest: { holds?: boolean; wants?: boolean } = {}): Said => ({
  kind: 'here',
  member,
  ...rest,
})
const want = (member: string): Said => ({ kind: 'want', member })
const leave = (member: string): Said => ({ kind: 'leave', member })

test('whoever asks first has the turn, and keeps it until it yields', () => {
  const council = after(here('a'), here('b'), want('a'), want('b'), want('c'))
  assert.equal(council.holder, 'a')
  assert.ok(council.wanted)
  council.apply({ kind: 'yield', member: 'a' })
  assert.equal(council.holder, 'b')
  council.apply({ kind: 'yield', member: 'a' })
  assert.equal(council.holder, 'b', 'nobody yields for another')
})

test('who leaves, or is gone, frees its turn and its place in the queue', () => {
  const council = after(here('a'), here('b'), here('c'), want('a'), want('b'), want('c'), leave('b'))
  council.apply({ kind: 'gone', member: 'a', by: 'c' })
  assert.deepEqual([council.holder, council.members], ['c', ['c']])
})

test('only a change of who is there is told as one', () => {
  const council = after(here('a'))
  assert.equal(council.apply(here('a')), false)
  assert.equal(council.apply(here('b')), true)
  assert.equal(council.apply(want('b')), false)
  assert.equal(council.apply(leave('b')), true)
  assert.equal(council.apply(leave('b')), false)
})

test('where a new record begins, a member that holds the turn says so, and who waits says that', () => {
  const council = after(here('b', { wants: false }), here('a', { holds: true }), here('b', { wants: true }))
  assert.equal(council.holder, 'a')
  assert.ok(council.wanted)
  council.apply(here('c', { holds: true }))
  assert.equal(council.holder, 'a', 'one at a time')
})

test('whatever is said, everybody who waits gets its turn, and nobody has it who is not there', () => {
  const random = seededRandom('council')
  const names = ['a', 'b', 'c', 'd']
  const council = after(...names.map((name) => here(name)))
  const waiting = new Set<string>()
  for (let n = 0; n < 5000; n++) {
    const member = names[Math.floor(random() * names.length)] as string
    const kind = (['want', 'yield', 'leave', 'here'] as const)[Math.floor(random() * 4)] as 'want'
    council.apply({ kind, member })
    if (kind === 'want') waiting.add(member)
    else if ((kind as string) === 'leave') waiting.delete(member)
    if (council.holder !== undefined) waiting.delete(council.holder)
    else assert.equal(waiting.size, 0, 'a free turn is wanted by nobody')
    assert.equal(council.wanted, waiting.size > 0)
  }
})
