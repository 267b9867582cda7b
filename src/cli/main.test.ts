import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Terminal } from './fixture.ts'

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
})
after(() => terminal.close())

const buses = 'sqlite:<file>, postgres://…, nats://…, amqp://…, kafka://…'
const wrong: [readonly string[], string][] = [
  [['statsu'], "skerry: unknown command 'statsu'; did you mean 'status'? See: skerry --help\n"],
  [['dead', 'lst'], "skerry: unknown command 'dead lst'; did you mean 'dead list'? See: skerry --help\n"],
  [['tail', '--folow'], "skerry: unknown option '--folow'; did you mean '--follow'? See: skerry tail --help\n"],
  [['status', '--bus', 'sqlit:x'], `skerry: bus 'sqlit:x': no bus on 'sqlit'; did you mean 'sqlite'? Use ${buses}\n`],
  [
    ['publish', '--store', 'here'],
    `skerry: store 'here': not a URL; is it one of these? Use sqlite:<folder>, postgres://…\n`,
  ],
  [['dead', 'redrive'], 'skerry: name the dead letters, or say --all: dead list shows them\n'],
  [['tail', '--from', 'yesterday'], 'skerry: --from yesterday: give start, now, or a position such as 1200\n'],
]
for (const [args, line] of wrong)
  test(`skerry ${args.join(' ')}: one line, exit 64`, async () => {
    assert.deepEqual(await terminal.run(args), { exit: 64, out: '', err: line })
  })

test('a folder that does not exist is named, and not made', async () => {
  for (const command of [['status'], ['tail'], ['dead', 'list'], ['pause', 'a/b'], ['subscriptions', 'list']]) {
    const { exit, err } = await terminal.run([...command, '--dir', 'nowhere'])
    assert.equal(exit, 1)
    assert.match(err, /^skerry: not_found: the folder \S+nowhere does not exist; /)
  }
  assert.ok(!existsSync(join(terminal.folder, 'nowhere')))
})

test('--json tells failures as JSON, too', async () => {
  const { exit, err } = await terminal.run(['tail', '--dir', 'nowhere', '--json'])
  assert.equal(exit, 1)
  assert.equal((JSON.parse(err) as { error: { code: string } }).error.code, 'not_found')
})

test('--help shows the way to run', async () => {
  const { exit, out } = await terminal.run(['--help'])
  assert.equal(exit, 0)
  assert.match(out, /skerry run/)
  assert.equal((await terminal.run([])).exit, 64)
})
