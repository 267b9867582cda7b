import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from '../../time.ts'
import { concurrentRetryRoom, RetryBudget } from './retry-budget.ts'

function spend(budget: RetryBudget, now: number): number {
  let spent = 0
  while (budget.withdraw(now)) spent++
  return spent
}

test('without requests there is the floor: ten a second, gathered over ten seconds', async () => {
  const clock = new VirtualClock()
  const budget = new RetryBudget()
  assert.equal(spend(budget, clock.monotonic()), 100)
  await clock.advance(9999)
  assert.equal(spend(budget, clock.monotonic()), 0)
  await clock.advance(1)
  assert.equal(spend(budget, clock.monotonic()), 100)
})

test('each request earns a fifth of a retry, for ten seconds', async () => {
  const clock = new VirtualClock()
  const budget = new RetryBudget({ share: 0.2, floorPerSecond: 0 })
  for (let i = 0; i < 4; i++) budget.deposit(clock.monotonic())
  assert.equal(budget.withdraw(clock.monotonic()), false)
  budget.deposit(clock.monotonic())
  assert.equal(budget.withdraw(clock.monotonic()), true)
  assert.equal(budget.withdraw(clock.monotonic()), false)
  for (let i = 0; i < 5; i++) budget.deposit(clock.monotonic())
  await clock.advance(9999)
  assert.ok(budget.left(clock.monotonic()) >= 1)
  await clock.advance(1)
  assert.ok(budget.left(clock.monotonic()) < 1)
})

test('a share that no binary fraction is gives whole retries all the same', () => {
  const budget = new RetryBudget({ share: 0.29, floorPerSecond: 0 })
  for (let i = 0; i < 100; i++) budget.deposit(0)
  assert.equal(spend(budget, 0), 29)
})

test('with everything failing a steady stream gets a fifth and the floor on top, no more', async () => {
  const clock = new VirtualClock()
  const budget = new RetryBudget()
  let retries = 0
  for (let ms = 0; ms < 60_000; ms += 10) {
    budget.deposit(clock.monotonic())
    for (let i = 0; i < 2; i++) if (budget.withdraw(clock.monotonic())) retries++
    await clock.advance(10)
  }
  assert.ok(retries <= 0.2 * 6000 + 10 * 70, `${retries}`)
  assert.ok(retries >= 0.2 * 6000 + 10 * 50, `${retries}`)
})

test('whatever happens when, in any ten seconds at most the floor and a fifth of what came just before are spent', () => {
  const steps = fc.array(fc.record({ gapMs: fc.nat(4000), requests: fc.nat(200), wanted: fc.nat(300) }), {
    maxLength: 20,
  })
  fc.assert(
    fc.property(steps, (all) => {
      const budget = new RetryBudget()
      const log: { now: number; requests: number; spent: number }[] = []
      let now = 0
      for (const { gapMs, requests, wanted } of all) {
        now += gapMs
        for (let i = 0; i < requests; i++) budget.deposit(now)
        let spent = 0
        for (let i = 0; i < wanted; i++) if (budget.withdraw(now)) spent++
        log.push({ now, requests, spent })
        const recent = log.filter((l) => l.now > now - 9000)
        const before = log.filter((l) => l.now > now - 20_000)
        const sum = (of: typeof log, what: 'requests' | 'spent'): number => of.reduce((s, l) => s + l[what], 0)
        assert.ok(sum(recent, 'spent') <= 100 + 0.2 * sum(before, 'requests') + 1e-6)
      }
    }),
  )
})

test('a clock that stands, and a long silence, are no trouble', () => {
  const budget = new RetryBudget()
  assert.equal(spend(budget, 5_001_000.5), 100)
  assert.equal(spend(budget, 5_001_000.5), 0)
  assert.equal(spend(budget, 1e12), 100)
})

test('Istio’s budget counts what is under way', () => {
  assert.equal(concurrentRetryRoom(0, 0, 0.2, 3), 3)
  assert.equal(concurrentRetryRoom(100, 5, 0.2, 3), 15)
  assert.equal(concurrentRetryRoom(100, 25, 0.2, 3), 0)
  assert.equal(concurrentRetryRoom(14, 3, 0.2, 3), 0)
})
