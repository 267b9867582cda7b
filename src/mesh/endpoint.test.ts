import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Endpoint, hasLabels } from './endpoint.ts'

test('a subset selects who has each of its labels', () => {
  const one: Endpoint = { id: 'a', address: 'http://a', labels: { version: 'v2', zone: 'x' }, weight: 1 }
  assert.equal(hasLabels(one, {}), true)
  assert.equal(hasLabels(one, { version: 'v2' }), true)
  assert.equal(hasLabels(one, { version: 'v2', zone: 'y' }), false)
  assert.equal(hasLabels(one, { tier: 'gold' }), false)
})
