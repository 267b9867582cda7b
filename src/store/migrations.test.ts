import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Applied, digestOf, loadMigrations, planMigrations } from './migrations.ts'
import type { Migration } from './store.ts'

describe('migrations in a folder', () => {
  let folder: string
  let url: URL
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skerry-migrations-'))
    url = pathToFileURL(`${folder}/`)
    await put('0002-cut.sqlite.sql', '-- breaking\ndrop table a')
    await put('0002-cut.postgres.sql', 'drop table a cascade')
    await put('0001-first.sql', 'create table a (id integer)')
    await put('notes.md', 'not a migration')
  })
  after(() => rm(folder, { recursive: true }))
  const put = (name: string, text: string) => writeFile(join(folder, name), text)
  const without = (name: string) => rm(join(folder, name))

  test('are read for one dialect, in order', async () => {
    const expected = [
      { number: 1, name: 'first', sql: 'create table a (id integer)', additive: true },
      { number: 2, name: 'cut', sql: '-- breaking\ndrop table a', additive: false },
    ]
    assert.deepEqual(await loadMigrations(url, 'sqlite'), expected)
    assert.deepEqual(await loadMigrations(new URL(url.href.slice(0, -1)), 'sqlite'), expected)
    assert.equal((await loadMigrations(url, 'postgres'))[1]?.additive, true)
  })

  test('with a gap, a number twice, or a strange name are refused', async () => {
    await put('0004-late.sql', '')
    await assert.rejects(loadMigrations(url, 'sqlite'), {
      code: 'invalid_config',
      message: /number 3 is missing before late/,
    })
    await without('0004-late.sql')
    await put('2-again.sql', '')
    await assert.rejects(loadMigrations(url, 'sqlite'), { code: 'invalid_config', message: /number 2 is there twice/ })
    await without('2-again.sql')
    await put('third.sql', '')
    await assert.rejects(loadMigrations(url, 'sqlite'), {
      code: 'invalid_config',
      message: /third\.sql is not named like/,
    })
    await without('third.sql')
  })

  test('that is not there is named', async () => {
    await assert.rejects(loadMigrations(new URL('missing/', url), 'sqlite'), {
      code: 'invalid_config',
      message: /missing/,
    })
  })
})

describe('what is to be run', () => {
  const one: Migration = { number: 1, name: 'one', sql: 'a', additive: true }
  const two: Migration = { number: 2, name: 'two', sql: 'b', additive: true }
  const had = (m: Migration): Applied => ({ ...m, digest: digestOf(m) })

  test('is what the store has not had', () => {
    assert.deepEqual(planMigrations([one, two], []), [one, two])
    assert.deepEqual(planMigrations([one, two], [had(one)]), [two])
    assert.deepEqual(planMigrations([one, two], [had(one), had(two)]), [])
  })

  test('is nothing on a store with more of the additive kind', () => {
    assert.deepEqual(planMigrations([one], [had(one), had(two)]), [])
  })

  test('is refused on a store with more of the other kind, with numbers and remedy', () => {
    const breaking = had({ ...two, additive: false })
    assert.throws(() => planMigrations([one], [had(one), breaking]), {
      code: 'migration_refused',
      message: /2 \(two\).*newer version.*up to 1/,
    })
  })

  test('is refused when one was edited after it ran; a renamed one says so', () => {
    assert.throws(() => planMigrations([{ ...one, sql: 'c' }], [had(one)]), {
      code: 'migration_refused',
      message: /1 \(one\) was edited/,
    })
    assert.throws(() => planMigrations([{ ...one, name: 'uno', sql: 'c' }], [had(one)]), {
      message: /it is 1 \(uno\) now/,
    })
  })

  test('does not depend on line endings nor on the name', () => {
    const unix = { ...one, sql: 'a\nb' }
    assert.deepEqual(planMigrations([{ ...unix, name: 'uno', sql: 'a\r\nb' }], [had(unix)]), [])
  })

  test('is refused when a number was skipped in the store', () => {
    assert.throws(() => planMigrations([one, two], [had(two)]), { code: 'migration_refused', message: /higher number/ })
  })
})
