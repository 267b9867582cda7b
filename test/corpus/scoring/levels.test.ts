import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counted, nothing, precision, recall } from './levels.ts'

test('a declared dependence counts as one, and silence as no finding', () => {
  const said = [
    ...[counted(nothing, 'dependent', 'declared'), counted(nothing, 'declared', 'dependent')],
    ...[counted(nothing, 'dependent', undefined), counted(nothing, 'dependent', 'withheld')],
    ...[counted(nothing, 'independent', 'dependent'), counted(nothing, 'independent', 'not exercised')],
  ]
  const total = said.reduce((sum, one) => ({
    hits: sum.hits + one.hits,
    missed: sum.missed + one.missed,
    alarms: sum.alarms + one.alarms,
    agreed: sum.agreed + one.agreed,
    silent: sum.silent + one.silent,
  }))
  assert.deepEqual(total, { hits: 2, missed: 2, alarms: 1, agreed: 1, silent: 3 })
  assert.equal(recall(total).interval?.value, 1 / 2)
  assert.equal(precision(total).interval?.value, 2 / 3)
})
