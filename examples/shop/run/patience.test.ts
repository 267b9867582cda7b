import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStuck } from './patience.ts'

test('a process that has answered before is given up after five seconds of silence, one that still loads after a minute', () => {
  const pingsIn = (seconds: number): number => seconds * 2
  assert.deepEqual([isStuck(pingsIn(4), true), isStuck(pingsIn(5), true)], [false, true])
  assert.deepEqual([isStuck(pingsIn(59), false), isStuck(pingsIn(60), false)], [false, true])
})
