import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CpuProfile, hotspots } from './profile.ts'

const node = (id: number, functionName: string, url = 'file:///a/b/src/bus/sqlite.ts') => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
})

const profile: CpuProfile = {
  nodes: [node(1, 'append'), node(2, '(idle)', ''), node(3, '')],
  samples: [1, 2, 1, 3],
  timeDeltas: [30, 50, 10, 10],
}

test('hotspots are sorted by the time spent in the function itself', () => {
  assert.deepEqual(hotspots([profile], 2), [
    { place: '(idle)', share: 0.5 },
    { place: 'append src/bus/sqlite.ts:10', share: 0.4 },
  ])
})

test('the profiles of several threads are added up', () => {
  assert.equal(hotspots([profile, profile], 9)[1]?.share, 0.4)
})

test('a profile without samples has no hotspots', () => {
  assert.deepEqual(hotspots([{ nodes: [] }], 5), [])
})
