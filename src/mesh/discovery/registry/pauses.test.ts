import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pauses } from './pauses.ts'

test('a look that comes about in time says nothing, a late one by how much', () => {
  const pauses = new Pauses(250, 1000)
  assert.deepEqual(
    [1250, 1510, 1999, 2100].map((at) => pauses.look(at)),
    [0, 0, 0, 0],
  )
  assert.equal(pauses.look(12_350), 10_000)
  assert.equal(pauses.look(12_600), 0)
})
