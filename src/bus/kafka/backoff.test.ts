import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import { VirtualClock } from '../../time.ts'
import { Backoff } from './backoff.ts'

test('each failure in a row is told and waited after, twice as long up to five seconds; the return is told once', async () => {
  const clock = new VirtualClock(0)
  const told: (number | 'back')[] = []
  const sink = {
    interrupted: (_: unknown, inMs: number) => void told.push(inMs),
    resumed: () => void told.push('back'),
  }
  const backoff = new Backoff(clock, sink, new AbortController().signal)
  const fail = async (): Promise<number> => {
    let over = false
    const from = clock.monotonic()
    void backoff.failed(new SkerryError('unavailable', 'away')).then(() => (over = true))
    while (!over) await clock.advance(50)
    return clock.monotonic() - from
  }
  backoff.succeeded()
  const waited: number[] = []
  for (let n = 0; n < 8; n++) waited.push(await fail())
  assert.deepEqual(told, [100, 200, 400, 800, 1600, 3200, 5000, 5000])
  assert.deepEqual(waited, told)
  backoff.succeeded()
  backoff.succeeded()
  assert.equal(await fail(), 100)
  assert.deepEqual(told.slice(8), ['back', 100])
})

test('whoever stops is not kept waiting, and tells nobody', async () => {
  const abort = new AbortController()
  const told: unknown[] = []
  const sink = { interrupted: (error: unknown) => void told.push(error), resumed: () => void told.push('back') }
  const backoff = new Backoff(new VirtualClock(0), sink, abort.signal)
  const waiting = backoff.failed(new Error('away'))
  abort.abort()
  await waiting
  await backoff.failed(new Error('away still'))
  assert.equal(told.length, 1)
})
