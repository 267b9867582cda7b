import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar } from './progress.ts'

test('the bar tells what is booked from what is on its way', () => {
  assert.equal(
    bar(50, 25, 100),
    `${'━'.repeat(7)}${'╌'.repeat(8)}${' '.repeat(15)}  25 %  50 of 100 rows published, 25 booked`,
  )
  assert.equal(bar(0, 0, 0), `${' '.repeat(30)}   0 %  0 of 0 rows published, 0 booked`)
  assert.equal(bar(100, 100, 100), `${'━'.repeat(30)} 100 %  100 of 100 rows published, 100 booked`)
})
