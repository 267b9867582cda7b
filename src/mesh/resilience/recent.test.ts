import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Recent } from './recent.ts'

test('of ten seconds, what happened counts for nine to ten', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 60 })
  fc.assert(
    fc.property(steps, fc.nat({ max: 20_000 }), (waits, later) => {
      const recent = new Recent(10)
      let now = 0
      const times = waits.map((ms) => {
        now += ms
        recent.add(now)
        return now
      })
      now += later
      const within = (ms: number): number => times.filter((at) => now - at < ms).length
      const count = recent.count(now)
      assert.ok(count >= within(9000) && count <= within(10_000), `${count}`)
    }),
  )
})
