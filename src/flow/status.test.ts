import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '../engines.ts'
import type { StoreTx } from '../store/store.ts'
import { systemClock } from '../time.ts'
import { lagOf, processesAlive, storeStatus } from './status.ts'

test('lag is never more than the stream holds', () => {
  const stream = { stream: 's', events: 3, bytes: 100, first: 10, next: 20 }
  assert.deepEqual(
    [0, 10, 15, 20, 30].map((position) => lagOf(position, stream)),
    [10, 10, 5, 0, 0],
  )
  assert.equal(lagOf(5, undefined), 0)
  assert.equal(lagOf(5, { ...stream, events: 0, first: 20 }), 0)
})

async function member(tx: StoreTx, id: string, expires: number, circuit: string, inFlight: number): Promise<void> {
  const live = { serves: ['a/b'], readers: [{ subscription: 'a/b', circuit, inFlight }] }
  const row = [id, 1, id.split('.')[0] ?? '', expires, JSON.stringify(live)] as const
  await tx.run('insert into skerry_member (id, pid, boot, expires, live) values (?, ?, ?, ?, ?)', ...row)
}

test('figures are summed over the processes that are alive, positions are the lowest', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'skerry-status-'))
  const store = await openStore('a', { dir, clock: systemClock, durability: 'normal' })
  t.after(async () => {
    await store.close()
    await rm(dir, { recursive: true })
  })
  await store.write(async (tx) => {
    await member(tx, 'now.1.x', 100, 'open', 3)
    await member(tx, 'now.2.x', 101, 'probing', 4)
    await member(tx, 'now.3.x', 50, 'open', 5)
    await member(tx, 'before.4.x', 900, 'open', 6)
    await tx.run("insert into skerry_subscription (name, start, ordering, created) values ('a/b', 'start', 'key', 0)")
    for (const [lane, next] of [
      [0, 12],
      [32, 7],
    ])
      await tx.run(
        "insert into skerry_position (subscription, lane_from, stream, next) values ('a/b', ?, 's', ?)",
        lane ?? 0,
        next ?? 0,
      )
    for (const [name, value] of Object.entries({ handled: 10, expired: 2, cancelled: 1, dead: 5, retry: 9 }))
      await tx.run(
        "insert into skerry_counter (subscription, lane_from, name, value) values ('a/b', 0, ?, ?)",
        name,
        value,
      )
  })
  const status = await store.read((tx) => storeStatus(tx, { boot: 'now', now: 60 }))
  assert.deepEqual(
    status.processes.map((one) => one.id),
    ['now.1.x', 'now.2.x'],
  )
  const [one] = status.subscriptions
  assert.deepEqual(one?.streams, [{ stream: 's', position: 7 }])
  assert.deepEqual([one?.circuit, one?.processes, one?.inFlight, one?.handled, one?.listened], ['open', 2, 7, 10, 20])
  const present = await store.read((tx) => processesAlive(tx, { boot: 'now', now: 60, present: ['now.3.x'] }))
  assert.deepEqual(
    present.map((one) => one.id),
    ['now.3.x'],
    'the bus sees it: a lease says less',
  )
})
