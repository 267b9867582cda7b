import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../ids.ts'
import { type Leaf, Pools } from './pools.ts'

const leaf: Leaf = { name: 'item', type: 'string', fits: (value) => value !== 'jar', instead: () => 'none' }

test('in half of the trials identities are those of one kind of rows that migrations made, as far as they fit', () => {
  const kinds = [
    ['mug', 'jug', 'jar'],
    ['east', 'west'],
  ]
  const drawn = [...Array(200).keys()].map((n) => {
    const pools = new Pools(seededRandom(String(n)), {}, kinds)
    return new Set([...Array(20).keys()].map(() => pools.leaf(leaf)))
  })
  const only = (...of: string[]): number => drawn.filter((values) => values.isSubsetOf(new Set(of))).length
  const [items, places] = [only('mug', 'jug'), only('east', 'west')]
  assert.ok(items > 30 && places > 30 && items + places < 140, `${items} and ${places}`)
  assert.equal(drawn.filter((values) => values.has('jar')).length, 0)
})
