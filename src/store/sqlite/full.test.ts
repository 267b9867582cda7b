import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { items, sqlOf } from '../conformance/fixture.ts'
import { sqliteFixture } from './fixture.ts'

const windows = process.platform === 'win32'

// The shell's limit on the size of files makes the operating system itself refuse to write, at the commit.
test('an I/O error at the commit undoes the transaction, and those before it stay', { skip: windows }, async () => {
  const fixture = await sqliteFixture()
  const program = fileURLToPath(new URL('./full.child.ts', import.meta.url))
  const child = spawn(
    'sh',
    ['-c', 'ulimit -f 2000; exec "$0" --no-warnings "$@"', process.execPath, program, fixture.file],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const said = (await text(child.stdout)).trim().split('\n')
  const committed = said.filter((line) => line === 'committed').length
  assert.ok(committed > 0 && committed < 10, said.join())
  assert.deepEqual(said.slice(committed), Array(10 - committed).fill('io_error'))
  const store = await fixture.open()
  const kept = await store.read((tx) =>
    tx.all(`select name, length(value) as length from skerry_meta where name < 'a'`),
  )
  assert.deepEqual(
    kept,
    Array.from({ length: committed }, (_, n) => ({ name: `${n}`, length: 200_000 })),
  )
  await store.close()
  await fixture.dispose()
})

test('space that a store no longer needs goes back to the file system', async () => {
  const fixture = await sqliteFixture()
  const store = await fixture.open({ migrations: [items] })
  await store.write(async (tx) => {
    const label = 'x'.repeat(1_000_000)
    for (let id = 1; id <= 16; id++) await sqlOf(tx)`insert into item (id, label) values (${id}, ${label + id})`
  })
  await store.close()
  const swollen = (await stat(fixture.file)).size
  const again = await fixture.open()
  await again.write((tx) => sqlOf(tx)`delete from item`)
  for (let i = 0; i < 512 * 6; i++) await again.write((tx) => tx.run('update item set n = 0'))
  await again.close()
  const { size } = await stat(fixture.file)
  assert.ok(size < swollen * 0.7, `${swollen} before, ${size} after`)
  await fixture.dispose()
})
