import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceNames } from '../services.ts'
import { placement } from './placement.ts'

test('every service runs, orders and inventory in two processes or more, and no process stays empty', () => {
  for (let processes = 2; processes <= 64; processes++) {
    const placed = placement(processes)
    assert.equal(placed.length, processes)
    for (const names of placed) {
      assert.ok(names.length > 0)
      assert.equal(new Set(names).size, names.length, `${processes}: ${names}`)
    }
    for (const name of serviceNames) {
      const copies = placed.filter((names) => names.includes(name)).length
      assert.ok(copies >= (name === 'orders' || name === 'inventory' ? 2 : 1), `${processes}: ${name} ${copies} times`)
    }
  }
})
