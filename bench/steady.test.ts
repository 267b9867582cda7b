import assert from 'node:assert/strict'
import { test } from 'node:test'
import { steadyLatency } from './steady.ts'

test('latency is that of a steady run: its first sixth is told apart', () => {
  const latencies = [
    ...Array(1_000).fill(9_000),
    ...Array(2_500).fill(100),
    ...Array(2_450).fill(200),
    ...Array(50).fill(700),
  ]
  assert.deepEqual(steadyLatency(latencies), { p50Us: 100, p99Us: 200, figures: { warmUpP99Us: 9_000 } })
})

test('a run too short to have a beginning is counted whole', () => {
  assert.equal(steadyLatency([5, 7, 9]).p50Us, 7)
})
