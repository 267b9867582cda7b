import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defaultSlowStart, slowStartFactor } from './slow-start.ts'

test('it grows from its least share to all of it, in its window', () => {
  const at = (ms: number): number => slowStartFactor(ms, defaultSlowStart)
  assert.deepEqual([0, 3000, 6000, 15_000, 30_000, 1e9].map(at), [0.1, 0.1, 0.2, 0.5, 1, 1])
  assert.equal(at(Number.POSITIVE_INFINITY), 1)
  assert.equal(at(-5), 0.1)
})

test('a greater aggression grows faster at first, a smaller one slower', () => {
  assert.equal(slowStartFactor(7500, { ...defaultSlowStart, aggression: 2 }), 0.5)
  assert.equal(slowStartFactor(-5, { ...defaultSlowStart, aggression: 2 }), 0.1)
  assert.equal(slowStartFactor(15_000, { ...defaultSlowStart, aggression: 0.5 }), 0.25)
})

test('without a window everybody has all of its share at once', () => {
  assert.equal(slowStartFactor(0, { ...defaultSlowStart, windowMs: 0 }), 1)
})

test('it never falls, and stays within its bounds', () => {
  const settings = fc.record({
    windowMs: fc.integer({ min: 1, max: 1e6 }),
    least: fc.double({ min: 0, max: 1, noNaN: true }),
    aggression: fc.double({ min: 0.1, max: 10, noNaN: true }),
  })
  fc.assert(
    fc.property(settings, fc.nat(2e6), fc.nat(2e6), (slowStart, a, b) => {
      const [early, late] = [Math.min(a, b), Math.max(a, b)].map((ms) => slowStartFactor(ms, slowStart)) as [
        number,
        number,
      ]
      assert.ok(early <= late && early >= slowStart.least && late <= 1)
    }),
  )
})
