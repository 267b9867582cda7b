import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../ids.ts'
import { VirtualClock } from '../../time.ts'
import { ConcurrencyLimit, defaultConcurrency, type Priority } from './concurrency-limit.ts'

const random = (): number => 0

/** Works at full concurrency for some windows of 250 ms, with one latency and one delay of the event loop. */
async function work(
  clock: VirtualClock,
  limit: ConcurrencyLimit,
  windows: number,
  tookMs: number,
  loopMs = 0,
  use = 1,
) {
  for (let w = 0; w < windows; w++) {
    const wanted = Math.max(10, Math.floor(limit.limit * use))
    let running = 0
    while (running < wanted && limit.admit('normal', random).kind === 'admit') running++
    await clock.advance(250)
    for (; running > 0; running--) limit.ended(tookMs, clock.monotonic(), loopMs)
  }
}

function rig(policy = {}) {
  return { clock: new VirtualClock(), limit: new ConcurrencyLimit({ ...defaultConcurrency, calmMs: 0, ...policy }) }
}

test('up to the limit is let in, then requests are shed until one is over', () => {
  const { limit } = rig({ first: 10 })
  for (let i = 0; i < 10; i++) assert.equal(limit.admit('normal', random).kind, 'admit')
  assert.equal(limit.admit('normal', random).kind, 'shed')
  assert.equal(limit.inflight, 10)
  limit.ended(1, 0, 0)
  assert.equal(limit.admit('normal', random).kind, 'admit')
})

test('what is less urgent is shed first', () => {
  const { limit } = rig({ first: 10 })
  const admitted = (priority: Priority): number => {
    let n = 0
    while (limit.admit(priority, random).kind === 'admit') n++
    return n
  }
  assert.equal(admitted('low'), 8)
  assert.equal(admitted('normal'), 2)
})

test('those that are shed come back spread over a second to two', () => {
  const { limit } = rig({ first: 10 })
  for (let i = 0; i < 10; i++) limit.admit('normal', random)
  assert.deepEqual(
    limit.admit('normal', () => 0),
    { kind: 'shed', retryAfterMs: 1000 },
  )
  assert.deepEqual(
    limit.admit('normal', () => 0.999),
    { kind: 'shed', retryAfterMs: 1999 },
  )
})

test('while latency is as usual and the limit is made use of, it grows, up to its bound', async () => {
  const { clock, limit } = rig({ most: 80 })
  await work(clock, limit, 10, 20)
  assert.ok(limit.limit > 52, `${limit.limit}`)
  await work(clock, limit, 100, 20)
  assert.equal(limit.limit, 80)
})

test('a limit that nobody makes use of does not grow', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 50, 20, 0, 0.4)
  assert.equal(limit.limit, 50)
})

test('when latency grows beyond what is usual the limit falls, and not below its bound', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 20, 20)
  const before = limit.limit
  await work(clock, limit, 5, 60)
  assert.ok(limit.limit < before * 0.75, `${before} → ${limit.limit}`)
  await work(clock, limit, 100, 500)
  assert.ok(limit.limit >= 10)
  assert.ok(limit.limit < 20, `${limit.limit}`)
})

test('a latency that grows by less than half changes nothing', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 20, 20)
  const before = limit.limit
  await work(clock, limit, 5, 29)
  assert.ok(limit.limit >= before)
})

test('what is quick enough for anybody is not too slow, however much quicker it used to be', async () => {
  const { clock, limit } = rig({ calmMs: 100 })
  await work(clock, limit, 20, 2)
  const before = limit.limit
  await work(clock, limit, 20, 90)
  assert.ok(limit.limit >= before, `${before} → ${limit.limit}`)
  await work(clock, limit, 20, 300)
  assert.ok(limit.limit < before * 0.75, `${before} → ${limit.limit}`)
})

test('after an overload the limit grows again', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 20, 20)
  await work(clock, limit, 200, 400)
  const low = limit.limit
  await work(clock, limit, 100, 20)
  assert.ok(limit.limit > low + 20, `${low} → ${limit.limit}`)
})

test('a late event loop makes the limit fall whatever the latencies say, even where it is not made use of', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 20, 20)
  const before = limit.limit
  await work(clock, limit, 5, 20, 150)
  assert.ok(limit.limit < before * 0.65, `${before} → ${limit.limit}`)
  const idle = rig()
  await work(idle.clock, idle.limit, 10, 20, 150, 0.3)
  assert.ok(idle.limit.limit < 25, `${idle.limit.limit}`)
})

test('while the event loop is late, however little, the limit does not grow', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 20, 20, 51)
  assert.ok(limit.limit <= 50, `${limit.limit}`)
})

test('a burst is one judgement, not many', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 20, 20)
  const before = limit.limit
  for (let i = 0; i < 40; i++) limit.admit('normal', random)
  for (let i = 0; i < 500; i++) {
    limit.admit('normal', random)
    limit.ended(500, clock.monotonic(), 0)
  }
  assert.equal(limit.limit, before)
  await clock.advance(250)
  limit.ended(500, clock.monotonic(), 0)
  assert.ok(limit.limit < before && limit.limit > before * 0.85)
})

test('an event loop that is late within bounds changes nothing', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 20, 20, 50)
  assert.ok(limit.limit > 50)
})

test('few samples, and those whose callers gave up, are no judgement', async () => {
  const { clock, limit } = rig()
  await work(clock, limit, 20, 20)
  for (let i = 0; i < 40; i++) limit.admit('normal', random)
  await clock.advance(250)
  limit.ended(20, clock.monotonic(), 0)
  const before = limit.limit
  for (let i = 0; i < 200; i++) {
    limit.admit('normal', random)
    await clock.advance(250)
    limit.ended(i % 25 === 0 ? 9000 : undefined, clock.monotonic(), 0)
  }
  assert.equal(limit.limit, before)
})

test('requests in flight stay within the limit, and the limit within its bounds, whatever happens', () => {
  const steps = fc.array(fc.record({ inside: fc.boolean(), tookMs: fc.nat(5000), loopMs: fc.nat(1000) }), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(steps, fc.string(), (all, seed) => {
      const limit = new ConcurrencyLimit({ ...defaultConcurrency, first: 20, most: 40 })
      const chance = seededRandom(seed)
      let now = 0
      for (const { inside, tookMs, loopMs } of all) {
        now += 100 * chance()
        if (inside || limit.inflight === 0) {
          const before = limit.inflight
          const admitted = limit.admit(chance() < 0.5 ? 'low' : 'normal', chance).kind === 'admit'
          assert.equal(limit.inflight, before + (admitted ? 1 : 0))
          if (admitted) assert.ok(limit.inflight <= limit.limit)
        } else limit.ended(tookMs, now, loopMs)
        assert.ok(limit.limit >= 10 && limit.limit <= 40)
      }
    }),
  )
})
