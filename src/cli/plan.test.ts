import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { greeter, mirror, Terminal } from './fixture.ts'
import { atPowerCut } from './plan.ts'

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
  await terminal.write('greeter/service.ts', greeter)
})
after(() => terminal.close())

test('the plan says how each need of a subscription is served', async () => {
  const { exit, out } = await terminal.run(['plan', 'greeter', '--dir', 'a', '--json'])
  assert.equal(exit, 0)
  const { bus, stores, powerCut, plan } = JSON.parse(out)
  assert.deepEqual([bus, stores, powerCut], ['sqlite', 'sqlite', 'loses nothing that was accepted'])
  assert.deepEqual(
    plan.map(({ need, grade }: { need: string; grade: string }) => `${need} ${grade}`),
    ['delay emulated', 'fencing emulated', 'deduplication native', 'keyOrder emulated', 'replay native'],
  )
})

test('an engine whose own promise was accepted says what a power cut can lose', async () => {
  const { out } = await terminal.run(['plan', 'greeter', '--dir', 'a', '--durability', 'engine'])
  assert.match(out, /\na power cut: at the sqlite engine can lose what it accepted in its last moments/)
  assert.match(atPowerCut({ engine: 'x', capabilities: { durability: 'synced' } as never }), /loses nothing/)
})

test('a server that does not answer is one line without its password, exit 1', async () => {
  const { exit, err } = await terminal.run(['plan', 'greeter', '--bus', 'postgres://u:secret@127.0.0.1:1/d'])
  assert.equal(exit, 1)
  assert.match(err, /^skerry: unavailable: postgres:\/\/u@127\.0\.0\.1:1\/d: .*ECONNREFUSED.*\n$/)
  assert.doesNotMatch(err, /secret/)
})

test('a Kafka broker that does not answer, too, once it was waited for', async () => {
  const bus = ['--bus', 'kafka://u:secret@127.0.0.1:1?mechanism=PLAIN', '--durability', 'engine']
  const { exit, err } = await terminal.run(['plan', 'greeter', ...bus])
  assert.equal(exit, 1)
  assert.match(err, /^skerry: unavailable: kafka:\/\/u@127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/)
  assert.doesNotMatch(err, /secret/)
})

test('foreign topics are shown with their promise, and without a password', async () => {
  await terminal.write('mirror/service.ts', mirror)
  const { exit, out, err } = await terminal.run(['plan', 'mirror', '--dir', 'a', '--json'])
  assert.equal(exit, 0, err)
  assert.deepEqual(JSON.parse(out).foreign, [
    {
      name: 'mirror/old-shop',
      direction: 'source',
      place: "queue mirror, bound to exchange events by 'event', at amqp://127.0.0.1",
      promise: 'exactly once, known by message-id',
    },
    {
      name: 'mirror/old-till',
      direction: 'sink',
      place: 'topic till, at kafka://127.0.0.1',
      promise: 'at least once, with the event id',
    },
  ])
  assert.match((await terminal.run(['plan', 'mirror', '--dir', 'a'])).out, /\nmirror\/old-till\s+sink\s+topic till/)
})
