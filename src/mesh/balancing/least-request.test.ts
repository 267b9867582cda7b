import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../ids.ts'
import { type Candidate, candidate } from './candidate.ts'
import { candidates, choosing, endpointOf, tally } from './fixture.ts'
import { leastRequest } from './least-request.ts'
import type { Begun } from './load.ts'

function answer(c: Candidate, tookMs: number, now: number, verdict: 'good' | 'bad' = 'good'): void {
  c.load.ended(c.load.started(now - tookMs), verdict, tookMs, now)
}

test('of two the one with fewer requests in flight is chosen', () => {
  const list = candidates(1, 1)
  list[0]?.load.started(0)
  assert.deepEqual(tally(leastRequest(), list, 100, choosing(1)), { a: 0, b: 100 })
})

test('the busiest of any set is never chosen while it is alone in being so', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), (n, seed) => {
      const list = candidates(...Array.from({ length: n }, () => 1))
      list[seed % n]?.load.started(0)
      assert.notEqual(leastRequest()(list, choosing(seed)), list[seed % n])
    }),
  )
})

test('latency counts: twice as slow is as bad as one more in flight', () => {
  const [a, b] = candidates(1, 1) as [Candidate, Candidate]
  answer(a, 10, 0)
  answer(b, 25, 0)
  a.load.started(0)
  assert.equal(leastRequest()([a, b], choosing(1)), a)
  a.load.started(0)
  assert.equal(leastRequest()([a, b], choosing(1)), b)
})

test('an endpoint that has not answered yet is taken to be as quick as the other', () => {
  const [a, b] = candidates(1, 1) as [Candidate, Candidate]
  answer(a, 10, 0)
  a.load.started(0)
  assert.equal(leastRequest()([a, b], choosing(1)), b)
  b.load.started(0)
  b.load.started(0)
  assert.equal(leastRequest()([a, b], choosing(1)), a)
})

test('shares follow weights among endpoints that are equally good', () => {
  const unequal = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 3, maxLength: 6 })
  fc.assert(
    fc.property(unequal, fc.nat(), (ws, seed) => {
      const total = ws.reduce((sum, w) => sum + w, 0)
      const list = candidates(...ws)
      const counts = tally(leastRequest(), list, 5000, choosing(seed))
      for (const [i, c] of list.entries()) {
        const share = (counts[c.endpoint.id] as number) / 5000
        assert.ok(Math.abs(share - (ws[i] as number) / total) < 0.04, `${ws}: ${JSON.stringify(counts)}`)
      }
    }),
    { numRuns: 20 },
  )
})

test('requests in flight count for the weight', () => {
  const list = candidates(4, 1)
  for (let i = 0; i < 3; i++) list[0]?.load.started(0)
  list[1]?.load.started(0)
  assert.equal(leastRequest()(list, choosing(1)), list[0])
})

test('weights that differ wildly are kept to, too', () => {
  for (const [heavy, list] of [candidates(1000, 1, 1, 1), candidates(1, 1, 1, 1000)].entries()) {
    const counts = tally(leastRequest(), list, 20_000, choosing(3))
    const light = 20_000 - (counts[heavy === 0 ? 'a' : 'd'] as number)
    assert.ok(light > 20 && light < 120, JSON.stringify(counts))
  }
})

test('a new endpoint begins with a tenth of its share', () => {
  const list = [0, 1, 2, 3, 4].map((i) => candidate(endpointOf(i), i === 4 ? 0 : Number.NEGATIVE_INFINITY))
  const share = (now: number): number =>
    (tally(leastRequest(), list, 20_000, choosing(1, { now })).e as number) / 20_000
  assert.ok(Math.abs(share(0) - 0.1 / 4.1) < 0.01, `${share(0)}`)
  assert.ok(Math.abs(share(30_000) - 0.2) < 0.02)
})

/** A client on a simulated clock: requests arrive evenly, each endpoint answers after its own time. */
function simulate(forMs: number, perSecond: number, reply: (i: number, now: number) => [ms: number, ok: boolean]) {
  const list = candidates(...Array.from({ length: 11 }, () => 1))
  const balancer = leastRequest()
  const random = seededRandom('simulation')
  const due: { at: number; c: Candidate; begun: Begun; ok: boolean }[] = []
  const sent: { i: number; at: number; tookMs: number }[] = []
  for (let now = 0; now < forMs; now += 1000 / perSecond) {
    for (const d of due.filter((d) => d.at <= now))
      d.c.load.ended(d.begun, d.ok ? 'good' : 'bad', d.at - d.begun.at, d.at)
    due.splice(0, due.length, ...due.filter((d) => d.at > now))
    const c = balancer(list, { now, random }) as Candidate
    const i = list.indexOf(c)
    const [ms, ok] = reply(i, now)
    const tookMs = ms * (0.5 + random())
    due.push({ at: now + tookMs, c, begun: c.load.started(now), ok })
    sent.push({ i, at: now, tookMs })
  }
  return sent
}

test('one of eleven that answers in 2 s gets next to nothing: 99.9 % are answered within a second', () => {
  const sent = simulate(30_000, 100, (i) => [i === 5 ? 2000 : 2, true])
  const late = sent.filter((s) => s.tookMs > 1000).length
  assert.ok(late >= 1, 'it was tried')
  assert.ok(late / sent.length < 0.001, `${late} of ${sent.length}`)
})

test('an endpoint that fails fast gets less than half its share after five seconds', () => {
  const sent = simulate(30_000, 100, (i) => (i === 5 ? [0.2, false] : [2, true]))
  const later = sent.filter((s) => s.at > 5000)
  const share = later.filter((s) => s.i === 5).length / later.length
  assert.ok(share < 0.5 / 11, `${share}`)
})

test('one that fails half of its requests gets less than its share, though it is ten times as quick', () => {
  let turn = 0
  const sent = simulate(30_000, 100, (i) => (i === 5 ? [0.2, turn++ % 2 === 0] : [2, true]))
  const later = sent.filter((s) => s.at > 5000)
  const share = later.filter((s) => s.i === 5).length / later.length
  assert.ok(share < 1 / 11, `${share}`)
})

test('an endpoint that has only failed is not taken to be quick for it', () => {
  const [a, b] = candidates(1, 1) as [Candidate, Candidate]
  answer(a, 100, 0)
  answer(b, 1, 0, 'bad')
  assert.equal(leastRequest()([a, b], choosing(1)), a)
  answer(a, 100, 20_000)
  assert.equal(leastRequest()([a, b], choosing(1, { now: 20_000 })), b, 'it is tried again')
})

test('an endpoint that has only kept callers waiting is taken to be slow', () => {
  const [a, b] = candidates(1, 1) as [Candidate, Candidate]
  answer(a, 10, 0)
  answer(b, 2000, 0, 'bad')
  a.load.started(0)
  assert.equal(leastRequest()([a, b], choosing(1)), a)
})

test('an endpoint where a request waits much longer than answers take elsewhere is left alone before it answers', () => {
  const [a, b] = candidates(1, 1) as [Candidate, Candidate]
  answer(a, 10, 0)
  answer(b, 15, 0)
  a.load.started(0)
  b.load.started(50)
  b.load.started(50)
  assert.equal(leastRequest()([a, b], choosing(1, { now: 10 })), a)
  assert.equal(leastRequest()([a, b], choosing(1, { now: 50 })), b)
})

test('an endpoint that was slow, or failed, and is well again has its share back within a minute', () => {
  const bad = (now: number): boolean => now < 5000
  const sent = simulate(90_000, 100, (i, now) => (i === 5 && bad(now) ? [500, false] : [2, true]))
  const last = sent.filter((s) => s.at > 75_000)
  const share = last.filter((s) => s.i === 5).length / last.length
  assert.ok(share > 0.7 / 11, `${share}`)
})
