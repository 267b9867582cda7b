import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { personArrived, Terminal } from './fixture.ts'

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
})
after(() => terminal.close())

const event = (n: number, source = 'orders'): string =>
  JSON.stringify({ ...JSON.parse(personArrived(`e${n}`, { n })), source, type: `skerry.${source}.placed.v2` })

const ids = (lines: string): string[] =>
  lines
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { id: string }).id)

test('what tail prints, publish takes: a log copied through a pipe is the same log', async () => {
  const lines = [event(1), event(2, 'users'), event(3), event(4, 'users')]
  const first = await terminal.run(['publish', '--dir', 'a'], lines.join('\n'))
  assert.deepEqual([first.exit, first.out], [0, 'published 4\n'])
  const { out: log } = await terminal.run(['tail', '--dir', 'a'])
  assert.deepEqual(ids(log), ['e1', 'e2', 'e3', 'e4'], 'in the order of the bus, over all streams')
  await terminal.run(['publish', '--dir', 'b'], log)
  const { out: copy } = await terminal.run(['tail', '--dir', 'b'])
  assert.equal(copy, log)
})

test('tail begins where it is told, names streams, and stops at a limit', async () => {
  const from = async (...args: string[]): Promise<string[]> =>
    ids((await terminal.run(['tail', '--dir', 'a', ...args])).out)
  assert.deepEqual(await from('--from', '3'), ['e3', 'e4'])
  assert.deepEqual(await from('--from', 'now'), [])
  assert.deepEqual(await from('users', '--limit', '1'), ['e2'])
  const missing = await terminal.run(['tail', 'user', '--dir', 'a'])
  assert.equal(missing.exit, 1)
  assert.match(missing.err, /^skerry: not_found: no stream 'user'; the nearest is 'users'/)
})

test('with --producer, repeating a file is harmless, and what it grew by is added', async () => {
  const file = await terminal.write('month.jsonl', `${event(1)}\n\n${event(2, 'users')}\n${event(3)}\n`)
  const publish = (...args: string[]) => terminal.ask('publish', 'month.jsonl', '--dir', 'c', ...args)
  assert.deepEqual(await publish('--producer', 'month'), { published: 3, known: 0, rejected: 0 })
  assert.deepEqual(await publish('--producer', 'month'), { published: 0, known: 3, rejected: 0 })
  await appendFile(file, `${event(4, 'users')}\n${event(5)}\n`)
  assert.deepEqual(await publish('--producer', 'month'), { published: 2, known: 3, rejected: 0 })
  const { out } = await terminal.run(['tail', '--dir', 'c'])
  assert.deepEqual(ids(out), ['e1', 'e2', 'e3', 'e4', 'e5'])
  assert.deepEqual(await publish('--producer', 'another'), { published: 5, known: 0, rejected: 0 })
})

test('a malformed line is told with its number, nothing of it is written, the rest goes on', async () => {
  const large = JSON.stringify({ ...JSON.parse(event(9)), data: 'x'.repeat(1024 * 1024) })
  const lines = [
    event(1),
    '{"specversion":',
    JSON.stringify({ ...JSON.parse(event(3)), time: 'noon' }),
    large,
    event(5),
  ]
  const { exit, out, err } = await terminal.run(['publish', '--dir', 'd'], lines.join('\n'))
  assert.equal(exit, 2)
  assert.equal(out, 'published 2, 3 lines rejected\n')
  const told = err.trim().split('\n')
  assert.equal(told.length, 3)
  assert.match(told[0] ?? '', /^skerry: line 2: invalid_event: not JSON/)
  assert.match(told[1] ?? '', /^skerry: line 3: invalid_event: time: "noon"/)
  assert.match(told[2] ?? '', /^skerry: line 4: event_too_large: /)
  assert.deepEqual(ids((await terminal.run(['tail', '--dir', 'd'])).out), ['e1', 'e5'])
})

test('thousands of lines of two streams keep their order within each', async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => event(i + 1, i % 3 === 0 ? 'users' : 'orders'))
  await writeFile(`${terminal.folder}/many.jsonl`, lines.join('\n'))
  assert.deepEqual(await terminal.ask('publish', 'many.jsonl', '--dir', 'e', '--producer', 'many'), {
    published: 3000,
    known: 0,
    rejected: 0,
  })
  for (const stream of ['users', 'orders']) {
    const numbers = ids((await terminal.run(['tail', stream, '--dir', 'e'])).out).map((id) => Number(id.slice(1)))
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    )
  }
  assert.equal(ids((await terminal.run(['tail', '--dir', 'e'])).out).length, 3000)
})

test('tail --follow prints what comes later, streams that are new among it, until it is told to stop', async () => {
  const tail = terminal.start('tail', '--dir', 'a', '--from', 'now', '--follow')
  const later = terminal.start('publish', '--dir', 'a')
  // It may be published before tail has begun: what counts is what comes after the first line that was seen.
  let n = 10
  const seen = tail.fact({ source: 'orders' })
  const more = setInterval(() => later.child.stdin?.write(`${event(n++)}\n`), 20)
  await seen.finally(() => clearInterval(more))
  later.child.stdin?.end(`${event(1000, 'brand-new')}\n`)
  await tail.fact({ id: 'e1000' })
  const printed = tail.facts.map((fact) => fact.id)
  assert.equal(new Set(printed).size, printed.length, 'each event once')
  tail.child.kill('SIGTERM')
  assert.equal((await tail.ended).exit, 0)
  assert.equal((await later.ended).exit, 0)
})

test('tail ends in silence when its reader has gone', async () => {
  const tail = terminal.start('tail', '--dir', 'e')
  if (tail.child.stdout) await once(tail.child.stdout, 'data')
  tail.child.stdout?.destroy()
  const { exit, err } = await tail.ended
  assert.deepEqual([exit, err], [0, ''])
})

test('a file that is not there, and a folder', async () => {
  const gone = await terminal.run(['publish', 'gone.jsonl', '--dir', 'a'])
  assert.deepEqual([gone.exit, gone.err], [1, 'skerry: not_found: there is no file gone.jsonl\n'])
  assert.match((await terminal.run(['publish', '.', '--dir', 'a'])).err, /is a folder/)
})
