/**
 * The shop's month with faults, short: some faults for each engine, on part of the month. All of them, on the whole of it:
 * `npm run test:faults`.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { engineNames, engines } from './faults/engines.ts'
import { faults } from './faults/faults.ts'
import { attempt } from './faults/ground.ts'
import { randomFor } from './faults/plan.ts'
import { missing } from './servers/needs.ts'

const rows = 5000
const chosen = ['broker-kill', 'cut', 'consumer-kill']
const seed = '7'

describe('the shop goes on by itself and ends equal', () => {
  for (const engine of engineNames)
    for (const fault of faults.filter(({ name }) => chosen.includes(name)))
      test(`on ${engine}: ${fault.about}`, { skip: missing(engines[engine].server) }, async () => {
        const random = randomFor(seed, engine, fault.name)
        const { problem, summary, strikes } = await attempt({
          ...{ engine, store: 'sqlite', fault, random, rows, keep: false, onProgress: () => {} },
        })
        assert.equal(problem, '')
        assert.ok(strikes > 0)
        const { equal, lost, duplicateEffects, deadLetters } = summary ?? {}
        assert.deepEqual(
          { equal, lost, duplicateEffects, deadLetters },
          { equal: true, lost: 0, duplicateEffects: 0, deadLetters: 0 },
        )
      })
})

test('a fault that nobody knows is refused in one line', () => {
  const run = fileURLToPath(new URL('./faults/run.ts', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [run, '--fault', 'flood'], { encoding: 'utf8' })
  assert.equal(status, 64)
  assert.match(stderr, /^test:faults: --fault 'flood' is none of broker-kill, .*all; did you mean \S+\?\n$/)
})
