import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from '../../time.ts'
import { Deadlines } from './deadlines.ts'

test('what is not met is told at its moment, and what is met never', async () => {
  const one = fc.record({ begins: fc.nat(500), takes: fc.nat(300), within: fc.integer({ min: 1, max: 300 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 20 }), async (all) => {
      const clock = new VirtualClock()
      const deadlines = new Deadlines(clock)
      const told = new Map<number, number>()
      for (const [i, { begins, takes, within }] of all.entries())
        clock.after(begins, () => {
          const awaited = deadlines.await(begins + within, () => told.set(i, clock.monotonic()), clock.monotonic())
          clock.after(takes, () => deadlines.met(awaited))
        })
      await clock.advance(2000)
      for (const [i, { begins, takes, within }] of all.entries()) {
        if (takes < within) assert.equal(told.get(i), undefined)
        if (takes > within) assert.equal(told.get(i), begins + within)
      }
      assert.equal(clock.pending, 0)
    }),
  )
})

test('one timer serves those that come one after the other', async () => {
  const clock = new VirtualClock()
  const deadlines = new Deadlines(clock)
  for (let n = 0; n < 10; n++) {
    const awaited = deadlines.await(clock.monotonic() + 2000, assert.fail, clock.monotonic())
    assert.equal(clock.pending, 1)
    await clock.advance(10)
    deadlines.met(awaited)
  }
  deadlines.close()
  assert.equal(clock.pending, 0)
})
