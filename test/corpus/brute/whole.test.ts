import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../../src/ids.ts'
import { type AnyEvent, type Row, start } from '../../../src/index.ts'
import { checksOf, programs } from '../expected.ts'
import { Generator } from './generate.ts'
import { servicesOf } from './judge.ts'
import { serial } from './trial.ts'
import { handledBy, World } from './world.ts'

// Brute force has a world of its own. Whatever it leaves out of the real one would make its verdicts worthless, so the same
// events go through both.

const events = 5

/** Of one service, and none that hears itself or asks the outside world: these need no second world. */
const chosen = [
  'order-cancelled-first',
  'bank-balance-rewritten',
  'seat-booked-twice',
  'stock-below-zero',
  'room-members-list',
]

for (const program of programs().filter(({ name }) => chosen.includes(name)))
  test(`${program.name} comes to the same through start, on files`, async () => {
    const checks = await checksOf(program.folder)
    const [service] = await servicesOf(join(program.folder, 'correct', 'service.ts'))
    assert.ok(service)
    const dir = mkdtempSync(join(tmpdir(), 'skerry-corpus-'))
    let wall = Date.parse('2026-01-01T00:00:00Z')
    const generator = new Generator(checks, seededRandom(program.name))
    const world = await World.open(service, checks)
    const app = await start([service], { dir, durability: 'normal' })
    try {
      const types = [...handledBy(service).values()]
      for (let n = 0; n < events; n++) {
        const made = generator.event(types[n % types.length] as AnyEvent)
        if (!made) continue
        const type = handledBy(service).get(`${made.stream}.${made.record.type}`) as AnyEvent
        const id = await app.publish(type, JSON.parse(made.record.data))
        await app.settled()
        wall++
        await serial(world, world.tasks({ ...made, record: { ...made.record, id, time: wall } }, 0))
      }
      for (const [table, rows] of world.store.rows()) {
        const real: Row[] = await app.read(service, (tx) => tx.all(`select * from "${table}"`))
        const texts = (given: readonly (readonly unknown[])[]) => given.map((row) => JSON.stringify(row)).sort()
        assert.deepEqual(texts(real.map((row) => Object.values(row))), texts(rows), table)
      }
    } finally {
      world.close()
      await app.stop()
      rmSync(dir, { recursive: true })
    }
  })
