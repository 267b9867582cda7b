import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { idsOf, onFixture, Publisher, readAll, until } from '../conformance/fixture.ts'
import { networkFileSystem, placesOf } from './files.ts'
import { type SqliteFixture, sqliteFixture } from './fixture.ts'
import { openSqliteBus } from './open.ts'

const onFile = (run: (file: string) => Promise<void>) =>
  onFixture(sqliteFixture, (fixture) => run((fixture as SqliteFixture).file))

/** A closed bus with `count` events of producer `p` in stream `s`. */
async function filled(file: string, count: number): Promise<Publisher> {
  const bus = await openSqliteBus({ file })
  const p = new Publisher('p', 's')
  for (let n = 0; n < count; n++) await p.append(bus, 1, 2000)
  await bus.close()
  return p
}

test('Privacy of files: all files of a bus are private to their owner, and closing leaves no socket and no log beside it', () =>
  onFile(async (file) => {
    const bus = await openSqliteBus({ file })
    await new Publisher('p', 's').append(bus)
    const folder = join(file, '..')
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
    assert.ok(existsSync(`${file}.sock`))
    await bus.close()
    assert.deepEqual(readdirSync(folder).sort(), ['bus.db', 'bus.db.lock'])
  }))

test('a path too long for a socket gets one in a private folder, the same for every process', () =>
  onFile(async (file) => {
    const deep = join(file, '..', 'd'.repeat(90))
    mkdirSync(deep)
    const { socket } = placesOf(join(deep, 'bus.db'))
    assert.equal(placesOf(join(deep, '..', 'd'.repeat(90), 'bus.db')).socket, socket)
    assert.ok(Buffer.byteLength(socket) < 100, socket)
    assert.equal(statSync(join(socket, '..')).mode & 0o777, 0o700)
    const [one, two] = await Promise.all([1, 2].map(() => openSqliteBus({ file: join(deep, 'bus.db') })))
    assert.ok(one && two)
    const p = new Publisher('p', 's')
    await p.append(one)
    await p.append(two)
    await Promise.all([one.close(), two.close()])
    rmSync(join(socket, '..'), { recursive: true })
  }))

test('a network file system is told by its type', () => {
  assert.equal(networkFileSystem(0x6969), 'NFS')
  assert.equal(networkFileSystem(0xff534d42 | 0), 'CIFS')
  assert.equal(networkFileSystem(0xef53), undefined)
})

test('a folder that does not exist is named', () =>
  onFile((file) =>
    assert.rejects(openSqliteBus({ file: join(file, '..', 'no', 'bus.db') }), {
      code: 'not_found',
      message: /no\/bus\.db/,
    }),
  ))

test('a file that is no database is refused, naming it and the remedy, and is left as it was', () =>
  onFile(async (file) => {
    writeFileSync(file, 'Dear diary, '.repeat(1000))
    await assert.rejects(openSqliteBus({ file }), { code: 'not_a_database', message: /bus\.db.*restore/ })
    assert.equal(statSync(file).size, 12_000)
  }))

test("another program's database is refused", () =>
  onFile(async (file) => {
    const db = new DatabaseSync(file)
    db.exec('create table customers (id integer)')
    db.close()
    await assert.rejects(openSqliteBus({ file }), { code: 'not_a_database', message: /another program/ })
  }))

for (const share of [0.02, 0.5, 0.97])
  test(`a bus file cut short to ${share} of its length is refused`, () =>
    onFile(async (file) => {
      await filled(file, 50)
      truncateSync(file, Math.floor(statSync(file).size * share))
      for (const lead of share < 0.9 ? [true, false] : [true])
        await assert.rejects(openSqliteBus({ file, lead }), { code: 'not_a_database', message: /cut short/ })
    }))

test('a file of a newer schema is refused by this version', () =>
  onFile(async (file) => {
    await filled(file, 1)
    const db = new DatabaseSync(file)
    db.exec('pragma user_version = 99')
    db.close()
    await assert.rejects(openSqliteBus({ file }), { code: 'migration_refused', message: /99/ })
  }))

test('a bus file that was deleted comes back as another bus', () =>
  onFile(async (file) => {
    await filled(file, 3)
    const before = await openSqliteBus({ file })
    const { bus } = await before.lineage()
    await before.close()
    rmSync(file)
    const after = await openSqliteBus({ file })
    assert.notEqual((await after.lineage()).bus, bus)
    assert.equal(await after.producerMark('p'), 0)
    await after.close()
  }))

test('a bus file restored from an older copy shows other incarnations where it left the old course', () =>
  onFile(async (file) => {
    const p = await filled(file, 3)
    copyFileSync(file, `${file}.copy`)
    const before = await openSqliteBus({ file })
    await p.append(before, 5)
    const old = await before.lineage()
    await before.close()
    copyFileSync(`${file}.copy`, file)
    const after = await openSqliteBus({ file })
    const now = await after.lineage()
    assert.equal(now.bus, old.bus)
    assert.deepEqual(now.incarnations.slice(0, 1), old.incarnations.slice(0, 1))
    assert.notEqual(now.incarnations[1]?.token, old.incarnations[1]?.token)
    assert.ok(now.head < old.head)
    assert.equal(await after.producerMark('p'), 3)
    await after.close()
  }))

test('a bus whose file is deleted or replaced under it stops with log_changed', () =>
  onFile(async (file) => {
    const bus = await openSqliteBus({ file })
    const p = new Publisher('p', 's')
    await p.append(bus)
    rmSync(file)
    await until(() => p.append(bus).then(no, (e) => e.code === 'log_changed'), 'it notices')
    await assert.rejects(bus.head(), { code: 'log_changed', message: /start again/ })
    await bus.close()
  }))

test('a lock file or a socket that is deleted is made anew, and everybody finds it', () =>
  onFile(async (file) => {
    const bus = await openSqliteBus({ file })
    const p = new Publisher('p', 's')
    for (const name of ['lock', 'sock']) {
      rmSync(`${file}.${name}`)
      await until(() => existsSync(`${file}.${name}`), `${name} comes back`)
      const other = await openSqliteBus({ file })
      await Promise.all([p.append(bus), p.append(other)])
      await other.close()
    }
    assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids())
    await bus.close()
  }))

const no = (): boolean => false
