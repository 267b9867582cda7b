import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { missing } from '../../../test/servers/needs.ts'
import { postgresForSuite } from '../../../test/servers/suite.ts'
import { idsOf, onBus, Publisher, readAll, until, within } from '../conformance/fixture.ts'
import { type PostgresFixture, postgresFixture } from './fixture.ts'

const program = fileURLToPath(import.meta.resolve('./host.ts'))

/** A process that runs `host.ts`. */
class Child {
  last = ''
  readonly name: string
  readonly process: ChildProcess
  readonly gone: Promise<unknown>

  constructor({ url, app }: PostgresFixture, task: string, name: string) {
    this.name = name
    this.process = spawn(process.execPath, [program, url, app, task, name], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.gone = once(this.process, 'exit')
    createInterface({ input: this.process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.last = line
    })
    children.add(this)
  }

  says(what: (line: string) => boolean): Promise<void> {
    return until(() => what(this.last), `${this.name} said '${this.last}' last`)
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.gone
  }
}

const children = new Set<Child>()
const above = (n: number) => (line: string) => Number(line) > n

describe('several processes on one bus', { skip: missing('postgresql') }, () => {
  const make = postgresFixture(postgresForSuite('NORMAL'))
  afterEach(async () => {
    for (const child of children) await child.kill()
    children.clear()
  })

  test('two processes publish at once and one is killed: what was accepted is there, each once and in order', () =>
    onBus(make, async (bus, fixture) => {
      const both = ['a', 'b'].map((name) => new Child(fixture as PostgresFixture, 'append', name))
      await Promise.all(both.map((child) => child.says(above(50))))
      const [a, b] = both as [Child, Child]
      await a.kill()
      await b.says(above(Number(b.last) + 50))
      b.process.stdin?.end()
      await b.gone
      const ids = idsOf(await readAll(bus, 's'))
      for (const { name, last } of both) {
        const own = ids.filter((id) => id.startsWith(`${name}-`))
        assert.deepEqual(own, new Publisher(name, 's').ids(own.length))
        // One more may have been stored when its sender died.
        assert.ok(own.length - Number(last) <= 1 && own.length >= Number(last), `${name}: ${own.length}, not ${last}`)
      }
    }))

  test('a process that is killed while it holds the turn is gone in about a second, and the turn goes on', () =>
    onBus(make, async (bus, fixture) => {
      const group = bus.group?.('store', 'here')
      assert.ok(group)
      const other = new Child(fixture as PostgresFixture, 'join', 'there')
      await other.says((line) => line === 'turn')
      assert.deepEqual(await group.members(), ['here', 'there'])
      let changes = 0
      group.onChange(() => changes++)
      const turn = group.turn()
      await other.kill()
      const killed = performance.now()
      ;(await within(turn, 'the turn of the killed process'))()
      assert.deepEqual(await group.members(), ['here'])
      assert.ok(performance.now() - killed < 4000, `${performance.now() - killed} ms`)
      await until(() => changes === 1, 'the others hear that it is gone')
    }))

  test('a process that is stopped loses its turn when its lease ends, and is back when it goes on', () =>
    onBus(make, async (bus, fixture) => {
      const group = bus.group?.('store', 'here')
      assert.ok(group)
      const other = new Child(fixture as PostgresFixture, 'join', 'there')
      await other.says((line) => line === 'turn')
      other.process.kill('SIGSTOP')
      const release = await within(group.turn(), 'the turn of the stopped process')
      assert.deepEqual(await group.members(), ['here'])
      other.process.kill('SIGCONT')
      await until(async () => (await group.members()).length === 2, 'it is back')
      release()
      other.process.stdin?.end()
      await other.gone
      assert.deepEqual(await group.members(), ['here'])
    }))

  test('an open bus that nobody waits for does not keep its process alive; an append that is under way does', () =>
    onBus(make, async (_bus, fixture) => {
      const { url, app } = fixture as PostgresFixture
      const open = `const { openPostgresBus } = await import(${JSON.stringify(import.meta.resolve('./open.ts'))})
        const bus = await openPostgresBus({ url: '${url}', app: '${app}' })
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
})
