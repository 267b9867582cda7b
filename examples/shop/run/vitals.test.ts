import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Latencies, latencySummary } from './vitals.ts'

test('percentiles over several processes are within 2 %', () => {
  const [one, other] = [new Latencies(), new Latencies()]
  for (let ms = 1; ms <= 1000; ms++) (ms % 3 === 0 ? one : other).add(ms)
  const { p50, p99, max } = latencySummary([one.vitals(), other.vitals()])
  assert.ok(Math.abs(p50 - 500) <= 10, `${p50}`)
  assert.ok(Math.abs(p99 - 990) <= 20, `${p99}`)
  assert.equal(max, 1000)
})

test('no percentile is above the largest that was seen, and none at all is 0', () => {
  const latencies = new Latencies()
  for (let n = 0; n < 10; n++) latencies.add(103)
  assert.deepEqual(latencySummary([latencies.vitals()]), { p50: 103, p99: 103, max: 103 })
  assert.deepEqual(latencySummary([]), { p50: 0, p99: 0, max: 0 })
})
