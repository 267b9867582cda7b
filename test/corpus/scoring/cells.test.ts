import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Judged, nameOf, verdictOn } from './cells.ts'

const asked = { service: 's', a: 'x.a', b: 'x.b', level: 'redelivery', as: 'unordered' } as const
const said = (cell: Partial<Judged>): Judged => ({ ...asked, verdict: 'independent', ...cell })

test('a verdict on this direction of a pair goes before one on the other', () => {
  const turned = said({ a: 'x.b', b: 'x.a', verdict: 'dependent' })
  assert.equal(verdictOn(asked, [turned, said({})]), 'independent')
  assert.equal(verdictOn(asked, [turned]), 'dependent')
})

test('a level that is asked in one way only answers for both', () => {
  const contract = said({ as: 'contract', verdict: 'dependent' })
  assert.equal(verdictOn(asked, [contract]), 'dependent')
  assert.equal(verdictOn(asked, [contract, said({})]), 'independent')
})

test('nothing is said of another service or level', () => {
  assert.equal(verdictOn(asked, [said({ service: 't' }), said({ level: 'commuting' })]), undefined)
})

test('a cell and the same turned have one name', () => {
  assert.equal(nameOf(asked), nameOf({ ...asked, a: 'x.b', b: 'x.a' }))
  assert.notEqual(nameOf(asked), nameOf({ ...asked, b: 'x.a' }))
})
