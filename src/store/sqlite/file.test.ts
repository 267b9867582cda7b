import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { itemIds, items, sqlOf } from '../conformance/fixture.ts'
import { type SqliteFixture, sqliteFixture } from './fixture.ts'

async function onFixture(run: (fixture: SqliteFixture) => Promise<void>): Promise<void> {
  const fixture = await sqliteFixture()
  try {
    await run(fixture)
  } finally {
    await fixture.dispose()
  }
}

async function filled(fixture: SqliteFixture): Promise<void> {
  const store = await fixture.open({ migrations: [items] })
  await store.write(async (tx) => {
    for (let id = 1; id <= 500; id++)
      await sqlOf(tx)`insert into item (id, label) values (${id}, ${`${id}`.repeat(100)})`
  })
  await store.close()
}

async function modes(file: string): Promise<Record<string, string>> {
  const folder = dirname(file)
  const found: Record<string, string> = {}
  for (const name of await readdir(folder)) found[name] = ((await stat(join(folder, name))).mode & 0o777).toString(8)
  return found
}

test('Privacy of files: a store’s files can be read by their owner alone, also one that was open to all before', () =>
  onFixture(async (fixture) => {
    const expected = { 'store.db': '600', 'store.db-shm': '600', 'store.db-wal': '600' }
    const store = await fixture.open({ migrations: [items] })
    assert.deepEqual(await modes(fixture.file), expected)
    for (const name of Object.keys(expected)) await chmod(join(dirname(fixture.file), name), 0o644)
    const again = await fixture.open()
    assert.deepEqual(await modes(fixture.file), expected)
    assert.ok((await again.size()) >= 4096)
    await again.close()
    await store.close()
  }))

test('a file that is not a database is refused by name, and left as it is', () =>
  onFixture(async (fixture) => {
    await writeFile(fixture.file, 'day,orders\n'.repeat(500))
    await assert.rejects(fixture.open(), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'not_a_database')
      assert.ok(error.message.startsWith(`${fixture.file} is not a SQLite database; `), error.message)
      return error.cause instanceof Error
    })
    assert.equal((await stat(fixture.file)).size, 5500)
  }))

test('a file cut short at any length is refused with the remedy', () =>
  onFixture(async (fixture) => {
    await filled(fixture)
    const { size } = await stat(fixture.file)
    for (const length of [size - 1, size - 4096, 8192, 4096, 4095, 100, 50, 1]) {
      await truncate(fixture.file, length)
      await assert.rejects(
        fixture.open(),
        { code: 'not_a_database', message: /damaged or cut short.*restore it/ },
        `${length}`,
      )
    }
  }))

test('a folder in place of the file, or no folder for it, is said before anything is made', () =>
  onFixture(async (fixture) => {
    await mkdir(fixture.file)
    await assert.rejects(fixture.open(), { code: 'invalid_config', message: /store\.db cannot be opened/ })
    const lost = join(dirname(fixture.file), 'nowhere', 'store.db')
    await assert.rejects(fixture.open({ file: lost }), {
      code: 'invalid_config',
      message: /nowhere does not exist; create it/,
    })
  }))

test('a file that is moved away, deleted or replaced while in use stops reads and writes until it is back', () =>
  onFixture(async (fixture) => {
    await filled(fixture)
    const store = await fixture.open()
    await itemIds(store)
    const gone = { code: 'io_error', message: /deleted, moved or replaced while in use/ }
    await rename(fixture.file, `${fixture.file}.away`)
    await assert.rejects(
      store.write((tx) => sqlOf(tx)`delete from item`),
      gone,
    )
    await Promise.all([1, 2].map(() => assert.rejects(itemIds(store), gone)))
    await writeFile(fixture.file, '')
    await assert.rejects(
      store.write((tx) => sqlOf(tx)`delete from item`),
      gone,
    )
    await rm(fixture.file)
    await rename(`${fixture.file}.away`, fixture.file)
    assert.equal((await itemIds(store)).length, 500)
    await store.write((tx) => sqlOf(tx)`delete from item where id > 1`)
    assert.deepEqual(await itemIds(store), [1])
    await store.close()
  }))
