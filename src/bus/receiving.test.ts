import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkerryError } from '../errors.ts'
import { VirtualClock } from '../time.ts'
import { keepReceiving } from './receiving.ts'

class Told {
  readonly abort = new AbortController()
  readonly signal = this.abort.signal
  readonly log: (number | 'resumed')[] = []
  interrupted(_: unknown, inMs: number): void {
    this.log.push(inMs)
  }
  resumed(): void {
    this.log.push('resumed')
  }
}

const explain = (error: unknown): SkerryError =>
  error instanceof SkerryError ? error : new SkerryError('unavailable', String(error))

test('each failure in a row is told and waited after, twice as long up to five seconds; what goes on ends the row', async () => {
  const intake = new Told()
  const clock = new VirtualClock(0)
  const startedAt: number[] = []
  const running = keepReceiving({ intake, clock, explain }, async (going) => {
    startedAt.push(clock.monotonic())
    if (startedAt.length === 10) going()
    if (startedAt.length === 12) return intake.abort.abort()
    throw new Error('away')
  })
  while (!intake.signal.aborted) await clock.advance(10)
  await running
  assert.deepEqual(intake.log, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 'resumed', 50, 100])
  assert.deepEqual(
    startedAt.slice(1).map((at, i) => at - (startedAt[i] as number)),
    [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 50, 100],
  )
})

test('it ends without a word when nothing more is wanted, also in the middle of a wait', async () => {
  const intake = new Told()
  await keepReceiving({ intake, clock: new VirtualClock(0), explain }, () => {
    throw new SkerryError('closed', 'nothing more is wanted')
  })
  assert.deepEqual(intake.log, [])
  let tries = 0
  const waiting = keepReceiving({ intake, clock: new VirtualClock(0), explain }, async () => {
    tries++
    throw new Error('away')
  })
  intake.abort.abort()
  await waiting
  assert.equal(tries, 1)
})

test('what returns while more is wanted is called again at once', async () => {
  const intake = new Told()
  let calls = 0
  await keepReceiving({ intake, clock: new VirtualClock(0), explain }, async () => {
    if (++calls === 3) intake.abort.abort()
  })
  assert.equal(calls, 3)
  assert.deepEqual(intake.log, [])
})
