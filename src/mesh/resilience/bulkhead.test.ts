import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Bulkhead } from './bulkhead.ts'

test('so many run, so many wait, the rest is refused', () => {
  const bulkhead = new Bulkhead({ running: 2, waiting: 1 })
  assert.deepEqual(
    [1, 2, 3, 4].map(() => bulkhead.enter()),
    ['run', 'run', 'wait', 'refuse'],
  )
})

test('a place that becomes free goes to who has waited, then to who comes', () => {
  const bulkhead = new Bulkhead({ running: 1, waiting: 1 })
  bulkhead.enter()
  bulkhead.enter()
  assert.equal(bulkhead.leave(), 'next')
  assert.deepEqual([bulkhead.running, bulkhead.waiting], [1, 0])
  assert.equal(bulkhead.leave(), 'free')
  assert.equal(bulkhead.enter(), 'run')
})

test('who gives up waiting makes room for another to wait', () => {
  const bulkhead = new Bulkhead({ running: 1, waiting: 1 })
  bulkhead.enter()
  bulkhead.enter()
  bulkhead.gaveUp()
  assert.equal(bulkhead.enter(), 'wait')
})

test('the limits hold, whatever happens, and nobody waits while there is room', () => {
  const steps = fc.array(fc.constantFrom('enter', 'leave', 'give up'), { maxLength: 100 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(3), steps, (running, waiting, all) => {
      const bulkhead = new Bulkhead({ running, waiting })
      for (const step of all) {
        if (step === 'enter') bulkhead.enter()
        else if (step === 'leave' && bulkhead.running > 0) bulkhead.leave()
        else if (step === 'give up' && bulkhead.waiting > 0) bulkhead.gaveUp()
        assert.ok(bulkhead.running >= 0 && bulkhead.running <= running)
        assert.ok(bulkhead.waiting >= 0 && bulkhead.waiting <= waiting)
        assert.ok(bulkhead.waiting === 0 || bulkhead.running === running)
      }
    }),
  )
})
