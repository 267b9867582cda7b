import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { VirtualClock } from '../../time.ts'
import { itemIds, items, sqlOf } from '../conformance/fixture.ts'
import { Elsewhere } from '../conformance/processes.ts'
import { sqliteFixture } from './fixture.ts'
import { lockHolder } from './lock.ts'

const linux = process.platform === 'linux'

test('a stopped process that holds the lock is named, and stops neither opening nor reading', {
  skip: !linux,
}, async () => {
  const fixture = await sqliteFixture()
  const clock = new VirtualClock()
  const child = new Elsewhere(fixture, 'hold')
  try {
    assert.equal(await child.says(), 'inside')
    await stopped(child)
    const store = await fixture.open({ clock, migrations: [items], busyMs: 500 })
    assert.deepEqual(await itemIds(store), [])
    const write = store.write((tx) => sqlOf(tx)`insert into item (id) values (1)`)
    const refusal = assert.rejects(write, {
      code: 'store_busy',
      message: new RegExp(
        `^${fixture.file}: process ${child.process.pid}, which is stopped, .* 500 ms; continue or end`,
      ),
    })
    await clock.advance(499)
    assert.equal(clock.pending, 1, 'it is still waiting')
    await clock.advance(12)
    assert.equal(clock.pending, 0)
    await refusal
    await child.kill()
    await store.write((tx) => sqlOf(tx)`insert into item (id) values (2)`)
    assert.deepEqual(await itemIds(store), [2])
    await store.close()
  } finally {
    await child.kill()
    await fixture.dispose()
  }
})

test('nobody holds the lock of a store at rest', async () => {
  const fixture = await sqliteFixture()
  const store = await fixture.open()
  assert.equal(lockHolder(fixture.file), undefined)
  await store.write(async (tx) => {
    await tx.run('delete from skerry_counter')
    if (linux) assert.deepEqual(lockHolder(fixture.file), { pid: process.pid, stopped: false })
  })
  assert.equal(lockHolder(fixture.file), undefined)
  await store.close()
  await fixture.dispose()
})

/** Signals are delivered in their own time. */
async function stopped(child: Elsewhere): Promise<void> {
  child.process.kill('SIGSTOP')
  for (;;) {
    const status = await readFile(`/proc/${child.process.pid}/stat`, 'utf8')
    if (status.slice(status.lastIndexOf(')') + 2).startsWith('T')) return
  }
}
