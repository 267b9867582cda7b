import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { servicesOf } from '../brute/judge.ts'
import { cellsOf, checksOf, type Form, programs } from '../expected.ts'
import { isFinding, verdictOn } from './cells.ts'
import { testedAtRandom } from './random.ts'

const budget = { seed: '7', deliveries: 3000 }

/** One of a single step, one with a step before, one with memory, one projection. */
const chosen = ['order-cancelled-first', 'seat-booked-twice', 'traffic-counted-in-memory', 'catalogue-search-index']

for (const program of programs().filter(({ name }) => chosen.includes(name))) {
  const run = async (form: Form) => {
    const services = await servicesOf(join(program.folder, form, 'service.ts'))
    const { cells, deliveries } = await testedAtRandom(services, await checksOf(program.folder), budget)
    const right = cellsOf(program, form).map((cell) => {
      const said = verdictOn(cell, cells)
      return { cell, found: said !== undefined && isFinding({ verdict: said }) }
    })
    return { right, deliveries }
  }

  test(`random orders show defects of ${program.name}, within the budget`, async () => {
    const { right, deliveries } = await run('defect')
    assert.ok(
      right.some(({ cell, found }) => isFinding(cell) && found),
      'nothing was found',
    )
    assert.ok(deliveries < budget.deliveries + 100, `${deliveries} deliveries`)
  })

  test(`random orders find nothing in the correct form of ${program.name} that is not there`, async () => {
    const { right } = await run('correct')
    const alarms = right.filter(({ cell, found }) => !isFinding(cell) && found)
    assert.deepEqual(
      alarms.map(({ cell: { level, as, a, b } }) => `${level} ${as} ${a} × ${b}`),
      [],
    )
  })
}
