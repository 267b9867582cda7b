import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { after, before, test } from 'node:test'
import { Terminal } from './fixture.ts'
import { Output } from './output.ts'
import { isSilent, restartPause } from './restarting.ts'
import { supervise } from './supervisor.ts'

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
})
after(() => terminal.close())

test('pauses between starts grow with failures, up to a limit', () => {
  assert.deepEqual([0, 1, 2, 3, 7, 100].map(restartPause), [0, 100, 200, 400, 5000, 5000])
})

test('a child that is stopped is ended, and another one takes its place', async () => {
  // Says that it is alive, then stops itself, once; the next one goes on.
  const program = await terminal.write(
    'child.ts',
    `import { existsSync, writeFileSync } from 'node:fs'
     process.on('message', () => process.exit(0))
     const first = !existsSync('${terminal.folder}/stopped')
     process.send({ kind: 'alive', debugged: false })
     if (first) { writeFileSync('${terminal.folder}/stopped', ''); process.kill(process.pid, 'SIGSTOP') }
     setInterval(() => process.send({ kind: 'alive', debugged: false }), 20)`,
  )
  const stream = new PassThrough()
  const told: Record<string, unknown>[] = []
  let stop: () => void = () => {}
  const stopped = new Promise<void>((resolve) => (stop = resolve))
  stream.on('data', (line) => {
    const fact = JSON.parse(String(line)) as Record<string, unknown>
    told.push(fact)
    if (fact.kind === 'restart') stop()
  })
  const out = new Output(true, stream as never, stream as never)
  const signals = { stopped, stop, end: () => {} }
  assert.equal(await supervise({ processes: 1, args: [], out, program, silenceMs: 2000, signals }), 0)
  assert.deepEqual(
    told.map((fact) => fact.kind),
    ['silent', 'restart'],
  )
  assert.equal(told[1]?.how, 'SIGKILL')
})

/** Children that do what is written, in the order of their starts; resolves with what the parent said and its exit code. */
async function supervised(name: string, ...acts: string[]) {
  const program = await terminal.write(
    `${name}.ts`,
    `import { appendFileSync, readFileSync } from 'node:fs'
     process.on('message', () => process.exit(0))
     appendFileSync('${terminal.folder}/${name}', '.')
     const say = (message) => new Promise((told) => process.send(message, told))
     const acts = [${acts.map((act) => `async () => {${act}}`).join()}]
     await acts[readFileSync('${terminal.folder}/${name}', 'utf8').length - 1]()
     setInterval(() => {}, 1000)`,
  )
  const stream = new PassThrough()
  const told: string[] = []
  let stop: () => void = () => {}
  const stopped = new Promise<void>((resolve) => (stop = resolve))
  stream.on('data', (line) => {
    const { kind } = JSON.parse(String(line)) as { kind: string }
    told.push(kind)
    if (told.filter((one) => one === 'restart').length === acts.length - 1) stop()
  })
  const notes = new PassThrough()
  const out = new Output(true, stream as never, notes as never)
  const exit = await supervise({ processes: 1, args: [], out, program, signals: { stopped, stop, end: () => {} } })
  return { exit, told }
}

const ready = "await say({ kind: 'ready' })"
const refused = (mayPass: boolean): string =>
  `await say({ kind: 'refused', line: 'away', mayPass: ${mayPass} }); process.exit(1)`

test('a start that is refused ends them all', async () => {
  assert.equal((await supervised('first', refused(true), '')).exit, 1)
  assert.equal((await supervised('wrong', `${ready}; process.exit(1)`, refused(false), '')).exit, 1)
})

test('while services run, one that cannot start since something is away is started again', async () => {
  const { exit, told } = await supervised('away', `${ready}; process.exit(1)`, refused(true), '')
  assert.equal(exit, 0)
  assert.deepEqual(told, ['restart', 'refused', 'restart'])
})

test('a child that is being debugged may be silent', () => {
  assert.equal(isSilent({ heard: 0, debugged: false }, 10_000, 10_000), false)
  assert.equal(isSilent({ heard: 0, debugged: false }, 10_001, 10_000), true)
  assert.equal(isSilent({ heard: 0, debugged: true }, 99_999, 10_000), false)
})
