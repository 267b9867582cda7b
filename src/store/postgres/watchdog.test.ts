import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualClock } from '../../time.ts'
import { type Seen, seenIn } from './probe.ts'
import { Watchdog } from './watchdog.ts'

const turns = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** A wire whose server is seen to do what `seen` says. */
function onTrial(seen: () => Seen) {
  const clock = new VirtualClock()
  const told: string[] = []
  const trial = { clock, told, looks: 0, bytes: 0, onLook: () => {} }
  const watchdog = new Watchdog({
    ...{ clock, answerMs: 30_000, quietMs: 3000 },
    look: async () => {
      trial.looks++
      trial.onLook()
      return seen()
    },
    heard: () => trial.bytes,
    lost: (why) => told.push(why),
  })
  const after = async (ms: number): Promise<void> => {
    // In steps, so that what one timer arms is met by the next.
    for (let at = 0; at < ms; at += 100) {
      await clock.advance(100)
      await turns()
    }
  }
  return { trial, watchdog, after, told }
}

describe('an answer that does not come', () => {
  test('is given up soon when the server is seen to be done with the question', async () => {
    const { watchdog, after, told } = onTrial(() => 'done')
    watchdog.asked()
    await after(2900)
    assert.deepEqual(told, [])
    await after(1000)
    assert.deepEqual(told, ['the server has answered, and the answer does not come'])
  })

  for (const seen of ['at work', 'unknown'] as const)
    test(`is waited for as long as answers may take while the server is ${seen}`, async () => {
      const { trial, watchdog, after, told } = onTrial(() => seen)
      watchdog.asked()
      await after(29_900)
      assert.deepEqual(told, [])
      assert.ok(trial.looks <= 4, `it looked ${trial.looks} times`)
      await after(200)
      assert.deepEqual(told, ['no answer for 30000 ms'])
    })

  test('is given up as soon as a server that was at work is seen to be done', async () => {
    let seen: Seen = 'at work'
    const { watchdog, after, told } = onTrial(() => seen)
    watchdog.asked()
    await after(5000)
    seen = 'done'
    await after(2000)
    assert.equal(told.length, 1)
  })

  test('is not given up while something of it comes', async () => {
    const { trial, watchdog, after, told } = onTrial(() => 'done')
    trial.onLook = () => trial.bytes++
    watchdog.asked()
    await after(20_000)
    assert.deepEqual(told, [])
  })

  test('is not missed once it came: the next question is watched from its own beginning', async () => {
    const { trial, watchdog, after, told } = onTrial(() => 'done')
    watchdog.asked()
    await after(2000)
    watchdog.answered()
    watchdog.asked()
    await after(2000)
    assert.equal(trial.looks, 0)
    trial.onLook = () => watchdog.answered()
    await after(10_000)
    assert.deepEqual(told, [])
  })
})

test('what a server is seen to do says nothing behind a pooler, whose numbers are no backend’s', () => {
  assert.equal(seenIn(['7', '12', 'active'], 7), 'at work')
  assert.equal(seenIn(['7', '12', 'idle in transaction'], 7), 'done')
  assert.equal(seenIn(['7', null, null], 7), 'done')
  assert.equal(seenIn(['7', '12', 'disabled'], 7), 'unknown')
  assert.equal(seenIn(['7', null, null], 99), 'unknown')
})
