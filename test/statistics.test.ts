import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { discovery, peeking, powerAtStated, sizeIn, worlds, wrongIndependent } from './statistics/studies.ts'

// A part of `npm run test:statistics`, with seeds of its own: the same studies, fewer runs, and a level at which so few can tell.
const level = 0.05
const busy = worlds['moderate load']

describe('the measure of independence, in simulation', () => {
  for (const name of ['moderate load', 'heavy load', 'shared outages', 'load and outages'] as const)
    test(`takes independent pairs for dependent as seldom as it says: ${name}`, () => {
      const size = sizeIn(worlds[name], level, 200, 5000, `part ${name}`)
      assert.ok(size.once <= 1.5 * level, `${size.once} of runs at level ${level}`)
      assert.ok(size.verdicts.dependent + size.verdicts['dependent-but-small'] <= 0.02 * size.runs)
    })

  test('calls what outages alone do a common cause', () => {
    const { runs, verdicts, pooled } = sizeIn(worlds['shared outages'], level, 50, 10_000, 'cause')
    assert.equal(pooled, 1)
    assert.ok(verdicts['common-cause'] >= 0.9 * runs, JSON.stringify(verdicts))
  })

  test('can be looked at every day', () => {
    const { watched } = peeking(busy, level, 40, 1000, 'part')
    assert.ok(watched <= level, `${watched} of runs were called dependent on some day`)
  })

  test('finds 25 dependent pairs among 500, and few others', () => {
    const failing = { ...worlds['load and outages'], rateA: 0.15, rateB: 0.15 }
    const found = discovery(failing, 2.5, 5, 3000, 'part')
    assert.ok(found.falseDiscovery <= 0.06 && found.power >= 0.9, JSON.stringify(found))
  })

  test('decides at the sample that it says it needs', () => {
    const two = powerAtStated({ ...busy, oddsRatio: 2 }, 500, 40, 'part 2')
    const one = powerAtStated({ ...busy, oddsRatio: 1 }, 500, 40, 'part 1')
    assert.ok(two.found >= 0.9 && one.independent >= 0.9, JSON.stringify([two, one]))
  })

  test('calls no pair independent that doubles the odds', () => {
    for (const windows of [500, 4000])
      assert.ok(wrongIndependent({ ...busy, oddsRatio: 2 }, 100, windows, 'part') <= 0.01)
  })
})

test('a wrong number of runs is refused in one line', () => {
  const run = fileURLToPath(new URL('./statistics/run.ts', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [run, 'many'], { encoding: 'utf8' })
  assert.deepEqual([status, stderr], [64, "test:statistics: 'many' is not a whole number of runs\n"])
})
