import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coresOf, cpuUsOf, pinned } from './cores.ts'

test('a list of cores may have ranges', () => {
  assert.deepEqual(coresOf(' 0,2-4\n'), [0, 2, 3, 4])
  assert.deepEqual(coresOf(''), [])
})

test('a command stays on one core, or is left as it is', () => {
  assert.deepEqual(pinned(1, ['node', 'a.ts']), ['taskset', '--cpu-list', '1', 'node', 'a.ts'])
  assert.deepEqual(pinned(undefined, ['node', 'a.ts']), ['node', 'a.ts'])
})

test('CPU time of who is gone is not known', () => assert.equal(cpuUsOf(2 ** 22 + 1), undefined))
