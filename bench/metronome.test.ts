import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nowUs } from './clock.ts'
import { type Beat, metronome } from './metronome.ts'

test('a metronome sends every beat once, in order', async () => {
  const beats: Beat[] = []
  await metronome(1_000, 200, (beat) => beats.push(beat))
  assert.deepEqual(
    beats.map((beat) => beat.index),
    Array.from({ length: 200 }, (_, index) => index),
  )
})

test('beats are sent on time even while the receiver is blocked, so that waiting counts as latency', async () => {
  let longestUs = 0
  await metronome(1_000, 100, ({ index, sentUs }) => {
    longestUs = Math.max(longestUs, nowUs() - sentUs)
    const until = nowUs() + (index === 10 ? 50_000 : 0)
    while (nowUs() < until);
  })
  assert.ok(longestUs > 40_000, `the longest latency was ${longestUs} µs`)
})

test('what a receiver throws is thrown to whoever started the metronome', async () => {
  const failing = metronome(1_000, 3, () => {
    throw new Error('refused')
  })
  await assert.rejects(failing, /refused/)
})
