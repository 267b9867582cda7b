import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Recorded, recordOf } from './record.ts'

test('a record is JSON again, with a line for each run, and six digits of what was measured', () => {
  const samples = [
    { contender: 'a', outcome: { elapsedMs: 250.115496997, events: 2102 } },
    { contender: 'b', outcome: { elapsedMs: 1, events: 0 } },
  ]
  const record = {
    taken: 'now',
    machine: { cpu: 'fast' },
    scale: 1,
    scenarios: [{ name: 'x', load: undefined, samples }],
  }
  const text = recordOf(record as unknown as Recorded)
  const [scenario] = JSON.parse(text).scenarios
  assert.deepEqual(scenario, {
    name: 'x',
    samples: [{ contender: 'a', outcome: { elapsedMs: 250.115, events: 2102 } }, samples[1]],
  })
  assert.equal(text.split('\n').filter((line) => line.includes('contender')).length, 2)
})
