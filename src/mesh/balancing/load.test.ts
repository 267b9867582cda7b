import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decayMs, Load } from './load.ts'

function answered(load: Load, tookMs: number, now: number, verdict: 'good' | 'bad' | 'none' = 'good'): void {
  load.ended(load.started(now - tookMs), verdict, tookMs, now)
}

const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a}, not ${b}`)

test('requests in flight are those that started and are not over', () => {
  const load = new Load()
  const first = load.started(0)
  load.started(1)
  assert.equal(load.inflight, 2)
  load.ended(first, 'none', 1, 1)
  assert.equal(load.inflight, 1)
})

test('the oldest request in flight tells how long one waits there', () => {
  const load = new Load()
  assert.equal(load.waitingMs(5), 0)
  const [first, second] = [load.started(10), load.started(30)]
  assert.deepEqual([load.waitingMs(10), load.waitingMs(50)], [0, 40])
  load.ended(first, 'good', 45, 55)
  assert.equal(load.waitingMs(60), 30)
  load.ended(second, 'good', 40, 70)
  assert.equal(load.waitingMs(80), 0)
})

test('of an endpoint that has not answered nothing is known', () => {
  assert.equal(new Load().latencyMs(5), 0)
  assert.equal(new Load().penalty(5), 1)
})

test('a slow answer counts at once and is forgotten slowly, a quick one counts slowly', () => {
  const load = new Load()
  answered(load, 2, 0)
  answered(load, 1000, 10)
  assert.equal(load.latencyMs(10), 1000)
  answered(load, 2, 20)
  near(load.latencyMs(20), 1000 * Math.exp(-10 / decayMs) + 2 * (1 - Math.exp(-10 / decayMs)))
  assert.ok(load.latencyMs(20 + decayMs) < 400)
})

test('latency stays between the quickest and the slowest answer as long as answers come', () => {
  const answers = fc.array(fc.record({ tookMs: fc.integer({ min: 1, max: 5000 }), gapMs: fc.nat(30_000) }), {
    minLength: 1,
  })
  fc.assert(
    fc.property(answers, (all) => {
      const load = new Load()
      let now = 0
      for (const { tookMs, gapMs } of all) {
        now += gapMs
        answered(load, tookMs, now)
        const seen = all.map((a) => a.tookMs)
        assert.ok(load.latencyMs(now) >= Math.min(...seen) - 1e-9)
        assert.ok(load.latencyMs(now) <= Math.max(...seen))
      }
    }),
  )
})

test('a failure is never a sign of being quick, nor is what the caller gave up; both may be signs of being slow', () => {
  for (const verdict of ['bad', 'none'] as const) {
    const load = new Load()
    answered(load, 50, 0)
    answered(load, 1, 1000, verdict)
    // While it fails nothing is learnt of how quick it would be; what callers gave up fades like any other time.
    near(load.latencyMs(1000), verdict === 'bad' ? 50 : 50 * Math.exp(-1000 / decayMs))
    answered(load, 70, 1000, verdict)
    assert.equal(load.latencyMs(1000), 70)
  }
})

test('an endpoint is proven by its first good answer', () => {
  const load = new Load()
  answered(load, 1, 0, 'bad')
  answered(load, 1, 0, 'none')
  assert.equal(load.proven, false)
  answered(load, 1, 0)
  assert.equal(load.proven, true)
})

test('failures in a row make it worse and worse, up to a bound; good answers make up for them', () => {
  const load = new Load()
  let last = load.penalty(0)
  for (let i = 0; i < 40; i++) {
    answered(load, 1, 0, 'bad')
    assert.ok(load.penalty(0) > last)
    last = load.penalty(0)
  }
  for (let i = 0; i < 500; i++) answered(load, 1, 0, 'bad')
  assert.equal(load.penalty(0), 10_000)
  for (let i = 0; i < 100; i++) answered(load, 1, 0)
  assert.ok(load.penalty(0) < 1.03)
})

test('one failure after a long silence weighs more than one among many answers', () => {
  const seldom = new Load()
  answered(seldom, 1, 0)
  answered(seldom, 1, 30_000, 'bad')
  const often = new Load()
  for (let at = 29_000; at < 30_000; at++) answered(often, 1, at)
  answered(often, 1, 30_000, 'bad')
  assert.ok(seldom.failures(30_000) > 0.9)
  near(often.failures(30_000), 0.05)
})

test('without new requests failures fade: it will be tried again', () => {
  const load = new Load()
  for (let i = 0; i < 100; i++) answered(load, 1, 0, 'bad')
  assert.ok(load.penalty(0) > 100)
  assert.ok(load.penalty(3 * decayMs) < 1.3)
})

test('who asks to be left alone loses against everybody until the time is over', () => {
  const load = new Load()
  load.ended(load.started(0), 'bad', 1, 0, 2000)
  assert.ok(load.penalty(1999) > 1e5)
  assert.ok(load.penalty(2000) < 2)
})
