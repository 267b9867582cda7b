import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { afterEach, test } from 'node:test'
import type { Fact } from '../../telemetry.ts'
import { follow, idsOf, onBus, onFixture, Publisher, plenty, readAll, until, within } from '../conformance/fixture.ts'
import { Child, killChildren, writerAmong } from './child.ts'
import { lockHolder } from './election.ts'
import { sqliteFixture } from './fixture.ts'
import { openSqliteBus } from './open.ts'

afterEach(killChildren)

const onFile = (run: (file: string) => Promise<void>) => onFixture(sqliteFixture, (fixture) => run(fileOf(fixture)))
const fileOf = (fixture: object): string => (fixture as { file: string }).file

const above = (n: number) => (line: string) => Number(line) > n

test('kill -9 of the writer, again and again in the middle of appends: nothing accepted is lost, the others go on', () =>
  onFile(async (file) => {
    const children = ['a', 'b', 'c'].map((name) => new Child(file, 'append', name))
    await Promise.all(children.map((child) => child.says(above(20))))
    const bus = await openSqliteBus({ file, lead: false })
    let running = children
    while (running.length > 0) {
      const writer = await writerAmong(bus, running)
      await writer.kill()
      running = running.filter((child) => child !== writer)
      await Promise.all(running.map((child) => child.says(above(Number(child.last) + 20))))
    }
    const ids = idsOf(await readAll(bus, 's'))
    for (const { name, last } of children) {
      const own = ids.filter((id) => id.startsWith(name))
      assert.deepEqual(own, new Publisher(name, 's').ids(own.length), 'in order, without gaps, each once')
      // One more may have been written, and its sender killed before it heard so.
      assert.ok(own.length - Number(last) <= 1 && own.length >= Number(last), `${name}: ${own.length}, not ${last}`)
    }
    const { incarnations } = await bus.lineage()
    assert.equal(incarnations.length, 3)
    await bus.close()
  }))

test('a writer that dies before its commit wrote nothing; one that dies after it wrote all', () =>
  onFile(async (file) => {
    const before = new Child(file, 'bus.before-commit', 'before')
    await before.died()
    const after = new Child(file, 'bus.after-commit', 'after')
    await after.died()
    const bus = await openSqliteBus({ file })
    assert.deepEqual([await bus.producerMark('before'), await bus.producerMark('after')], [0, 5])
    assert.deepEqual(idsOf(await readAll(bus, 's')), new Publisher('after', 's').ids(5))
    await bus.close()
  }))

test('a stopped writer is named, reading goes on, and everything else when it is continued', () =>
  onFile(async (file) => {
    const writer = new Child(file)
    await writer.says('open')
    const facts: Fact[] = []
    const bus = await openSqliteBus({ file, watcher: (fact) => facts.push(fact) })
    const p = new Publisher('p', 's')
    await p.append(bus, 3)
    assert.deepEqual(await writerOf(bus), { pid: writer.pid, answering: true })
    await writer.stop()
    const append = p.append(bus)
    await until(() => facts.some((f) => f.kind === 'stuck'), 'the stopped writer is reported')
    assert.deepEqual(await writerOf(bus), { pid: writer.pid, answering: false })
    assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(3))
    const newcomer = await openSqliteBus({ file, watcher: (fact) => facts.push(fact) })
    assert.deepEqual(idsOf(await readAll(newcomer, 's')), p.ids(3), 'who comes now can read as well')
    assert.equal((await newcomer.status()).writer?.answering, false)
    const stuck = facts.filter((f) => f.kind === 'stuck').map((f) => [f.where, f.pid])
    assert.deepEqual(stuck, [
      [file, writer.pid],
      [file, writer.pid],
    ])
    writer.signal('SIGCONT')
    await within(append, 'the append that waited')
    await until(async () => (await bus.status()).writer?.answering === true, 'the writer answers again')
    await newcomer.close()
    await bus.close()
    await writer.ended()
  }))

test('an append that nobody can write in time is refused with unavailable, naming the file', () =>
  onFile(async (file) => {
    const writer = new Child(file)
    await writer.says('open')
    const bus = await openSqliteBus({ file, connectTimeoutMs: 2000 })
    const p = new Publisher('p', 's')
    await p.append(bus)
    await writer.stop()
    await assert.rejects(p.append(bus), { code: 'unavailable', message: new RegExp(file) })
    await writer.kill()
    await until(() => p.send(bus, 1, 2, 1).then(yes, no), 'it goes on with another writer')
    assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(2))
    await bus.close()
  }))

test('a process that is stopped while it holds a turn loses it, and leaves the list until it goes on', () =>
  onBus(sqliteFixture, async (bus, fixture) => {
    const seat = bus.group?.('store', 'here')
    assert.ok(seat)
    const other = new Child(fileOf(fixture), 'join', 'there')
    await other.says('turn')
    assert.deepEqual(await seat.members(), ['here', 'there'])
    await other.stop()
    const release = await within(seat.turn(), 'the turn of the stopped process')
    assert.deepEqual(await seat.members(), ['here'])
    other.signal('SIGCONT')
    await until(async () => (await seat.members()).length === 2, 'it is back when it answers')
    release()
    await other.kill()
    await until(async () => (await seat.members()).length === 1, 'its end is seen')
  }))

test('an open bus that nobody waits for does not keep the process alive; an append that is under way does', () =>
  onFile(async (file) => {
    const open = `const { openSqliteBus } = await import(${JSON.stringify(import.meta.resolve('./open.ts'))})
      const bus = await openSqliteBus({ file: ${JSON.stringify(file)} })
      bus.watch('s', () => {})
      bus.group('g', 'm')
      bus.register({ subscription: 'r', store: 'x', marks: { s: 0 } }).then(() => console.log('registered'))
      bus.append({ stream: 's', producer: 'p', after: 0, first: 1, count: 1, frame: '["id","t",1,"",0,0,0]\\n{}\\n' })
        .then(() => console.log('accepted'))`
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', open], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    assert.deepEqual([stdout.split('\n').sort().join(' ').trim(), status], ['accepted registered', 0], stderr)
  }))

test('a watcher in another process hears without polling, and both write', () =>
  onFile(async (file) => {
    const bus = await openSqliteBus({ file })
    const child = new Child(file, 'append', 'there')
    const p = new Publisher('here', 's')
    const reading = follow(bus, 's', 200)
    for (let n = 0; n < 50; n++) await p.append(bus)
    const read = idsOf(await reading)
    // The last look may have found more than were asked for: the other process goes on.
    assert.ok(read.length >= 200 && new Set(read).size === read.length, `${read.length} events`)
    assert.equal(lockHolder(`${file}.lock`), process.platform === 'linux' ? process.pid : undefined)
    await child.kill()
    await bus.close()
  }))

test('a bus that never leads reads without any writer, leaves no trace, and says that nobody writes', () =>
  onFile(async (file) => {
    await assert.rejects(openSqliteBus({ file, lead: false }), { code: 'not_found' })
    const first = await openSqliteBus({ file })
    const p = new Publisher('p', 's')
    await p.append(first, 3)
    const before = await first.lineage()
    await first.close()
    const onlooker = await openSqliteBus({ file, lead: false, connectTimeoutMs: 2000 })
    assert.deepEqual(idsOf(await readAll(onlooker, 's')), p.ids())
    assert.equal((await onlooker.status()).writer?.answering, false)
    await assert.rejects(p.append(onlooker), { code: 'unavailable' })
    assert.deepEqual(await onlooker.lineage(), before)
    const writer = await openSqliteBus({ file })
    await until(async () => (await onlooker.status()).writer?.answering === true, 'it finds the writer')
    await p.send(onlooker, 3, 4, 1)
    assert.equal((await writer.read('s', 0, plenty)).events.length, 4)
    await writer.close()
    await onlooker.close()
  }))

const yes = (): boolean => true
const no = (): boolean => false

async function writerOf(bus: { status(): Promise<{ writer: unknown }> }): Promise<unknown> {
  return (await bus.status()).writer
}
