import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percent, share } from './share.ts'

test('a share has an interval by Wilson, which does not end at 100 % when all are hits', () => {
  assert.equal(percent(share(10, 10)), '100 % (72–100)')
  assert.equal(percent(share(1, 2)), '50 % (9–91)')
})

test('a share of none is no figure', () => {
  assert.equal(percent(share(0, 0)), '–')
})
