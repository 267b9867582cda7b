import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, event } from './contract.ts'
import { service } from './service.ts'
import { start } from './start.ts'
import { breathe } from './time.ts'

const Desk = contract('desk', { events: { rung: event({ data: z.object({ by: z.string() }) }) } })
const Count = contract('count', { events: {} })

const sql = 'create table ring (who text not null, n integer not null, seen integer not null)'

/** Numbers what it handles in memory, in both steps. */
function counting() {
  const count = service(Count, { migrations: [{ number: 1, name: 'ring', additive: true, sql }] })
  const numbers = count.memory(() => ({ next: 1 }))
  const seen = count.memory(() => new Set<string>())
  count.on(Desk.rung, {
    name: 'rings',
    from: 'start',
    prepare: async (_ctx, { data }) => {
      await breathe()
      seen().add(data.by)
      return seen().size
    },
    handle: async (tx, { data }, size) => {
      const n = numbers().next++
      await tx.sql`insert into ring (who, n, seen) values (${data.by}, ${n}, ${size})`
      assert.equal(numbers().next, n + 1)
    },
  })
  return { count, numbers }
}

test('handlers of a running service share its memory, and each start makes it anew', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-memory-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const { count } = counting()
  const found: unknown[] = []
  for (const names of [['a', 'b', 'a'], ['b']]) {
    const app = await start([count], { dir, durability: 'normal' })
    for (const by of names) {
      await app.publish(Desk.rung, { by })
      await app.settled()
    }
    const rows = await app.read(count, (tx) => tx.sql`select who, n, seen from ring order by rowid`)
    found.push(rows.map(({ who, n, seen }) => `${who} ${n} ${seen}`))
    await app.stop()
  }
  assert.deepEqual(found, [
    ['a 1 1', 'b 2 2', 'a 3 2'],
    ['a 1 1', 'b 2 2', 'a 3 2', 'b 1 1'],
  ])
})

test('two copies in one process remember apart, also while both wait', async () => {
  const { count, numbers } = counting()
  const one = count.memories.fresh()
  const other = count.memories.fresh()
  const twice = async (): Promise<number> => {
    numbers().next++
    await breathe()
    return numbers().next++
  }
  const ended = await Promise.all([
    count.memories.as(one, twice),
    count.memories.as(other, twice),
    count.memories.as(other, twice),
  ])
  assert.deepEqual(ended, [2, 3, 4])
})

test('memory belongs to handlers: asked for elsewhere, it says so', () => {
  const { numbers } = counting()
  assert.throws(() => numbers(), { code: 'invalid_config', message: /^count: its memory was asked for outside/ })
})
