import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fact } from '../../telemetry.ts'
import { VirtualClock } from '../../time.ts'
import { LoopDelay } from './loop-delay.ts'
import { Traffic } from './traffic.ts'
import { Unbegun } from './unbegun.ts'

const stays = (): boolean => false
const shed = (error: unknown): boolean =>
  error instanceof Unbegun && error.why === 'shed' && error.code === 'overloaded' && (error.retryAfterMs ?? 0) >= 1000

describe('what is under way', () => {
  test('is counted until it ends, however it does', async () => {
    const traffic = new Traffic({ clock: new VirtualClock(), random: () => 0 })
    const gate = Promise.withResolvers<string>()
    const [one, two] = [gate.promise, gate.promise].map((work) => traffic.during('normal', stays, () => work))
    assert.deepEqual([traffic.inFlight, traffic.limit], [2, 256])
    await assert.rejects(
      traffic.during('normal', stays, () => Promise.reject(new Error('it broke'))),
      /it broke/,
    )
    gate.resolve('done')
    assert.deepEqual(await Promise.all([one, two]), ['done', 'done'])
    assert.equal(traffic.inFlight, 0)
  })

  test('is let in up to the limit, less of low priority; the rest is turned away, before anything begins, and counted', async () => {
    const traffic = new Traffic({ clock: new VirtualClock(), random: () => 0, limit: { first: 10 } })
    const gate = Promise.withResolvers<void>()
    const admitted: Promise<void>[] = []
    const enter = (priority: 'normal' | 'low'): void =>
      void admitted.push(traffic.during(priority, stays, () => gate.promise))
    for (let n = 0; n < 8; n++) enter('low')
    let begun = false
    const begin = async (): Promise<void> => {
      begun = true
    }
    await assert.rejects(traffic.during('low', stays, begin), shed)
    enter('normal')
    enter('normal')
    await assert.rejects(traffic.during('normal', stays, begin), shed)
    assert.equal(begun, false)
    assert.deepEqual([traffic.inFlight, traffic.shed], [10, { normal: 1, low: 1 }])
    gate.resolve()
    await Promise.all(admitted)
    await traffic.during('low', stays, begin)
    assert.equal(begun, true)
  })

  test('that calls are turned away is told once for a second, then once for ten, and none is left out', async () => {
    const [clock, facts] = [new VirtualClock(), [] as Fact[]]
    const watcher = (fact: Fact): void => void facts.push(fact)
    const traffic = new Traffic({ clock, random: () => 0, limit: { first: 1, least: 1 }, watcher })
    const gate = Promise.withResolvers<void>()
    const admitted = traffic.during('normal', stays, () => gate.promise)
    const turnAway = async (normal: number, low: number): Promise<void> => {
      for (let n = 0; n < normal; n++)
        await assert.rejects(
          traffic.during('normal', stays, async () => {}),
          shed,
        )
      for (let n = 0; n < low; n++)
        await assert.rejects(
          traffic.during('low', stays, async () => {}),
          shed,
        )
    }
    await turnAway(2, 1)
    assert.deepEqual(facts, [])
    await clock.advance(1000)
    assert.deepEqual(facts, [{ kind: 'shed', normal: 2, low: 1, limit: 1 }])
    await turnAway(3, 0)
    await clock.advance(9999)
    assert.equal(facts.length, 1)
    await clock.advance(1)
    assert.deepEqual(facts[1], { kind: 'shed', normal: 3, low: 0, limit: 1 })
    gate.resolve()
    await admitted
  })

  test('a limit that is none is refused, naming what is wrong with it', () => {
    const wrong: [limit: object, problem: RegExp][] = [
      [{ first: 0 }, /concurrency\.first 0 is not within 1–1000000/],
      [{ lowShare: 2 }, /concurrency\.lowShare 2 is not within 0–1/],
      [{ tolerance: Number.NaN }, /concurrency\.tolerance NaN/],
      [{ least: 5000 }, /concurrency\.least 5000 is more than most, 2048/],
      [{ frist: 1 }, /concurrency: unknown field 'frist'; did you mean 'first'\?/],
    ]
    for (const [limit, message] of wrong)
      assert.throws(() => new Traffic({ clock: new VirtualClock(), random: () => 0, limit }), {
        code: 'invalid_config',
        message,
      })
  })

  test('without a limit nothing is turned away', async () => {
    const traffic = new Traffic({ clock: new VirtualClock(), random: () => 0, limit: false })
    const gate = Promise.withResolvers<void>()
    const all = Array.from({ length: 5000 }, () => traffic.during('low', stays, () => gate.promise))
    assert.deepEqual([traffic.inFlight, traffic.limit], [5000, Number.POSITIVE_INFINITY])
    gate.resolve()
    await Promise.all(all)
  })

  test('a late event loop lowers the limit, and so do calls that take longer than they used to', async () => {
    for (const late of [true, false]) {
      const clock = new VirtualClock()
      const traffic = new Traffic({ clock, random: () => 0 })
      const round = async (count: number, tookMs: number): Promise<void> => {
        const gate = Promise.withResolvers<void>()
        const all = Array.from({ length: count }, () => traffic.during('normal', stays, () => gate.promise))
        await clock.advance(tookMs)
        gate.resolve()
        await Promise.all(all)
      }
      for (let n = 0; n < 20; n++) await round(200, 20)
      const before = traffic.limit
      if (late) {
        // Nobody calls the clock for so long: every timer is overdue.
        const hold = Promise.withResolvers<void>()
        const all = Array.from({ length: 20 }, () => traffic.during('normal', stays, () => hold.promise))
        clock.monotonic = (
          (was) => () =>
            was.call(clock) + 400
        )(clock.monotonic)
        hold.resolve()
        await Promise.all(all)
      } else for (let n = 0; n < 30; n++) await round(200, 300)
      assert.ok(traffic.limit < before, `${before} → ${traffic.limit}`)
      assert.ok(traffic.limit >= 64)
    }
  })
})

describe('how late the event loop is', () => {
  test('is the mean of the last half second, and nothing while nobody asks', async () => {
    const clock = new VirtualClock()
    const delay = new LoopDelay(clock)
    assert.equal(delay.ms, 0)
    delay.watch()
    delay.watch()
    assert.equal(clock.pending, 1)
    await clock.advance(1000)
    assert.equal(delay.ms, 0)
    delay.rest()
    assert.deepEqual([clock.pending, delay.ms], [0, 0])
  })

  test('is seen from a timer that comes late, while it is overdue and after', () => {
    let now = 0
    let run: () => void = () => {}
    const delay = new LoopDelay({
      wall: () => now,
      monotonic: () => now,
      after: (_, what) => {
        run = what
        return { cancel() {} }
      },
    })
    delay.watch()
    now = 250
    assert.equal(delay.ms, 200)
    run()
    assert.equal(delay.ms, 200)
    now = 300
    run()
    assert.equal(delay.ms, 100)
    for (let n = 0; n < 10; n++) {
      now += 50
      run()
    }
    assert.equal(delay.ms, 0)
  })
})
