import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inTime, pause, systemClock, VirtualClock } from './time.ts'

test('virtual time stands still until it is moved', async () => {
  const clock = new VirtualClock(1000)
  assert.deepEqual([clock.wall(), clock.monotonic()], [1000, 0])
  await clock.advance(250)
  assert.deepEqual([clock.wall(), clock.monotonic()], [1250, 250])
})

test('timers fire in order of their time, then of their arming, at their time', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 50 }), { maxLength: 20 }), async (delays) => {
      const clock = new VirtualClock()
      const fired: [number, number][] = []
      delays.forEach((ms, i) => {
        clock.after(ms, () => fired.push([clock.monotonic(), i]))
      })
      await clock.advance(50)
      const expected = delays.map((ms, i) => [ms, i] as [number, number]).sort((a, b) => a[0] - b[0] || a[1] - b[1])
      assert.deepEqual(fired, expected)
      assert.equal(clock.pending, 0)
    }),
  ))

test('what a timer arms fires within the same advance, if it is due', async () => {
  const clock = new VirtualClock()
  const fired: number[] = []
  const tick = (): void => {
    fired.push(clock.monotonic())
    clock.after(10, tick)
  }
  clock.after(10, tick)
  await clock.advance(35)
  assert.deepEqual(fired, [10, 20, 30])
})

test('promise reactions run between two timers', async () => {
  const clock = new VirtualClock()
  const said: string[] = []
  clock.after(1, () => {
    void Promise.resolve().then(() => said.push('reaction'))
  })
  clock.after(2, () => said.push('second'))
  await clock.advance(2)
  assert.deepEqual(said, ['reaction', 'second'])
})

test('a cancelled timer does not fire', async () => {
  const clock = new VirtualClock()
  const timer = clock.after(5, () => assert.fail('fired'))
  timer.cancel()
  await clock.advance(10)
})

test('wall time can jump alone', async () => {
  const clock = new VirtualClock(1000)
  clock.jump(-400)
  await clock.advance(10)
  assert.deepEqual([clock.wall(), clock.monotonic()], [610, 10])
})

test('a pause ends with its time', async () => {
  const clock = new VirtualClock()
  let ended = false
  const pausing = pause(clock, 100).then(() => {
    ended = true
  })
  await clock.advance(99)
  assert.equal(ended, false)
  await clock.advance(1)
  assert.equal(ended, true)
  await pausing
})

test('a pause ends at once when its signal aborts, and leaves no timer', async () => {
  const clock = new VirtualClock()
  const abort = new AbortController()
  const pausing = pause(clock, 1e9, abort.signal)
  abort.abort()
  await pausing
  assert.equal(clock.pending, 0)
  await pause(clock, 1e9, abort.signal)
})

test('waiting in time tells who was first, and leaves no timer', async () => {
  const clock = new VirtualClock()
  assert.equal(await inTime(clock, 10, Promise.resolve()), true)
  const late = inTime(clock, 10, new Promise(() => {}))
  await clock.advance(10)
  assert.equal(await late, false)
  await assert.rejects(inTime(clock, 10, Promise.reject(new Error('failed'))), /failed/)
  assert.equal(clock.pending, 0)
})

test("the machine's monotonic time moves on, and its timers come when they should", async () => {
  const before = systemClock.monotonic()
  await pause(systemClock, 5)
  const passed = systemClock.monotonic() - before
  assert.ok(passed >= 4 && passed < 5000, `${passed} ms`)
  assert.ok(Math.abs(systemClock.wall() - Date.now()) < 1000)
})
