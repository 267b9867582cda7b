import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { greeter, type Started, Terminal } from './fixture.ts'
import { retentionOf } from './run.ts'

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
  await terminal.write('greeter/service.ts', greeter)
})
after(() => terminal.close())

const run = (dir: string, ...args: string[]): Started =>
  terminal.start('run', 'greeter', '--dir', dir, '--json', ...args)

test('a service is run from its folder until SIGTERM, and exits 0', async () => {
  const service = run('a')
  const running = await service.fact({ kind: 'running' })
  assert.deepEqual(running, {
    kind: 'running',
    pid: service.child.pid,
    service: 'greeter',
    subscriptions: [{ name: 'hello', from: 'start', order: 'key', streams: ['people'] }],
  })
  await service.fact({ kind: 'ready' })
  service.child.kill('SIGTERM')
  assert.equal((await service.ended).exit, 0)
})

test('without --json, one line for each service', async () => {
  const service = terminal.start('run', 'greeter/service.ts', '--dir', 'a')
  await new Promise((resolve) => service.child.stdout?.once('data', resolve))
  service.child.kill('SIGINT')
  const { exit, out } = await service.ended
  assert.equal(exit, 0)
  assert.match(out, /^greeter: hello ← people\n/)
})

test('a rejection that a handler left behind is reported, and ends nothing', async () => {
  const service = run('b')
  await service.fact({ kind: 'ready' })
  await terminal.publish('b', 'stray')
  assert.equal((await service.fact({ kind: 'unhandled_rejection' })).message, 'left behind')
  const { out } = await terminal.run(['tail', 'greeter', '--dir', 'b', '--follow', '--limit', '1', '--json'])
  assert.match(out, /"name":"stray"/)
  service.child.kill('SIGTERM')
  assert.equal((await service.ended).exit, 0)
})

test('a second signal ends it at once, an exception that nobody caught, too', async () => {
  await terminal.write(
    'slow.ts',
    greeter
      .replace(
        "from: 'start', order: 'key' }).on(People.arrived, async (tx, { data }) => {",
        `from: 'start' }).on(People.arrived, {
      prepare: async (_, { data }) => {
        if (data.name === 'bomb') setTimeout(() => { throw new Error('outside of everything') })
        console.log('{"kind":"preparing"}')
        await new Promise(() => {})
      }, handle: async (tx, { data }) => {`,
      )
      .replace(/\}\)\s*$/, '} })'),
  )
  const slow = async (name: string): Promise<Started> => {
    const service = terminal.start('run', 'slow.ts', '--dir', name, '--json')
    await service.fact({ kind: 'ready' })
    await terminal.publish(name, name)
    await service.fact({ kind: 'preparing' })
    return service
  }
  const patient = await slow('patient')
  patient.child.kill('SIGTERM')
  patient.child.kill('SIGINT')
  const { exit: signalled } = await patient.ended
  assert.ok(signalled === 130 || signalled === 143, `${signalled}`)
  const bombed = await (await slow('bomb')).ended
  assert.equal(bombed.exit, 1)
  assert.match(bombed.err, /an exception that nobody caught: Error: outside of everything/)
})

test('what cannot be run is one line, exit 1', async () => {
  await terminal.write('empty.ts', 'export const nothing = 1')
  await terminal.write('broken.ts', 'export const = 1')
  const line = async (...args: string[]): Promise<string> => {
    const { exit, err } = await terminal.run(['run', ...args, '--dir', 'a'])
    assert.equal(exit, 1)
    assert.equal(err.trim().split('\n').length, 1)
    return err
  }
  assert.match(await line('gone'), /^skerry: not_found: there is no gone; /)
  assert.match(await line('.'), /has no service\.ts/)
  assert.match(await line('empty.ts'), /exports no service/)
  assert.match(await line('broken.ts'), /broken\.ts cannot be loaded: /)
})

test('of several processes, one that is killed is started again; SIGTERM stops them all', async () => {
  const parent = run('c', '--processes', '2')
  const first = await parent.fact({ kind: 'ready' })
  const second = await parent.fact({ kind: 'ready' }, 2)
  assert.notEqual(first.pid, second.pid)
  process.kill(Number(first.pid), 'SIGKILL')
  assert.equal((await parent.fact({ kind: 'restart' })).pid, first.pid)
  const third = await parent.fact({ kind: 'ready' }, 3)
  assert.notEqual(third.pid, first.pid)
  await terminal.publish('c', 'after')
  parent.child.kill('SIGTERM')
  const { exit } = await parent.ended
  assert.equal(exit, 0)
  assert.deepEqual(
    parent.facts
      .filter((fact) => fact.kind === 'stopped')
      .map((fact) => fact.pid)
      .toSorted(),
    [second.pid, third.pid].toSorted(),
  )
})

test('children stop when their parent is gone', async () => {
  const parent = run('c', '--processes', '2')
  await parent.fact({ kind: 'ready' }, 2)
  parent.child.kill('SIGKILL')
  // The pipes close when the last process that holds them has ended.
  await parent.ended
  assert.equal(parent.facts.filter((fact) => fact.kind === 'stopped').length, 2)
})

test('a start that is refused is not tried again', async () => {
  await terminal.write('d/greeter.db', 'this is no database, but long enough to be seen as one'.repeat(100))
  const { exit, err } = await terminal.run(['run', 'greeter', '--dir', 'd', '--processes', '2'])
  assert.equal(exit, 1)
  assert.match(err, /^skerry: not_a_database: [^\n]+\n$/)
})

test('nor is one of which the service cannot be loaded', async () => {
  const { exit, err } = await terminal.run(['run', 'nowhere', '--dir', 'd', '--processes', '2'])
  assert.equal(exit, 1)
  assert.match(err, /^skerry: not_found: there is no nowhere; [^\n]+\n$/)
})

test('a service whose files are wrong for a while is started again once they are well', async () => {
  await terminal.write('moving.ts', greeter)
  const parent = terminal.start('run', 'moving.ts', '--dir', 'moving', '--json', '--processes', '2')
  const { pid } = await parent.fact({ kind: 'ready' })
  await parent.fact({ kind: 'ready' }, 2)
  await terminal.write('moving.ts', 'export const = 1')
  process.kill(Number(pid), 'SIGKILL')
  assert.match(String((await parent.fact({ kind: 'refused' })).line), /moving\.ts cannot be loaded: /)
  await terminal.write('moving.ts', greeter)
  await parent.fact({ kind: 'ready' }, 3)
  parent.child.kill('SIGTERM')
  assert.equal((await parent.ended).exit, 0)
})

test('the bus keeps everything unless hours or MiB are given', () => {
  assert.deepEqual(retentionOf({}), {})
  assert.deepEqual(retentionOf({ 'keep-hours': '2', 'keep-mib': '3' }), { ageMs: 7_200_000, bytes: 3_145_728 })
  assert.throws(() => retentionOf({ 'keep-hours': '0' }), /--keep-hours 0: give a whole number of at least 1/)
})
