import assert from 'node:assert/strict'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { Passage } from '../../../test/servers/passage.ts'
import { systemClock } from '../../time.ts'
import type { Bus } from '../bus.ts'
import { idsOf, Publisher, readAll, until } from '../conformance/fixture.ts'
import { PrivateServer } from './fixture.ts'
import { openNatsBus } from './open.ts'

interface Site {
  readonly bus: Bus
  readonly server: PrivateServer
  readonly passage: Passage
  /** Past the passage. */
  readonly beside: Bus
}

async function behindPassage(test: (site: Site) => Promise<void>, connectTimeoutMs = 10_000): Promise<void> {
  const server = await PrivateServer.start()
  const passage = await Passage.to(server.port)
  const own = { app: 'proxied', durability: 'engine' } as const
  const beside = await openNatsBus({ ...own, url: server.url })
  const bus = await openNatsBus({ ...own, url: `nats://127.0.0.1:${passage.port}`, connectTimeoutMs })
  try {
    await test({ bus, server, passage, beside })
  } finally {
    await bus.close()
    await beside.close()
    await passage.close()
    await server.dispose()
  }
}

describe('NATS bus: connections and servers that fail', { skip: missing('nats-server') }, () => {
  test('an append whose acknowledgement was lost is stored once', () =>
    behindPassage(async ({ bus, passage, beside }) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 2)
      passage.mute('answers')
      const appended = p.append(bus, 3)
      await until(async () => (await beside.producerMark('p')) === 5, 'the server has it')
      passage.cut()
      passage.mute('nothing')
      await appended
      assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(5))
    }))

  test('a connection that swallows everything is given up, and what waited goes over the next one', () =>
    behindPassage(async ({ bus, passage }) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 2)
      assert.equal((await readAll(bus, 's')).length, 2)
      passage.blackHole()
      const appended = p.append(bus, 3)
      const read = readAll(bus, 's')
      await appended
      await read
      assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(5))
    }))

  test('while the server is away, calls reject with unavailable in time; when it is back, all goes on and watchers hear', () =>
    behindPassage(async ({ bus, server }) => {
      const p = new Publisher('p', 's')
      await p.append(bus, 2)
      await bus.register({ subscription: 'stock', store: 'one', marks: { s: 1 } })
      const before = await bus.lineage()
      let heard = 0
      const stop = bus.watch('s', () => heard++)
      await until(() => heard > 0, 'the watcher hears what is there')
      await server.kill()
      const away = [p.send(bus, 2, 3, 1), bus.head(), bus.read('s', 0, { events: 9, bytes: 9 }), bus.producerMark('p')]
      await Promise.all(away.map((call) => assert.rejects(call, { code: 'unavailable', message: /127\.0\.0\.1/ })))
      heard = 0
      await server.startAgain()
      await until(() => heard > 0, 'the watcher hears of the return')
      await until(() => p.send(bus, 2, 3, 1).then(...yesOrNo), 'appends work again')
      assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(3))
      assert.equal((await bus.status()).readers.length, 1)
      const { incarnations } = await bus.lineage()
      assert.equal(incarnations.length, before.incarnations.length + 1, 'whoever writes on after it says so first')
      stop()
    }, 1000))

  test('a member whose process is gone is gone at once, and so is its turn', () =>
    behindPassage(async ({ bus, beside, passage }) => {
      const dying = bus.group?.('store', 'dying')
      const living = beside.group?.('store', 'living')
      assert.ok(dying && living)
      await dying.turn()
      assert.deepEqual(await living.members(), ['dying', 'living'])
      const since = systemClock.monotonic()
      await passage.close()
      ;(await living.turn())()
      assert.deepEqual(await living.members(), ['living'])
      assert.ok(systemClock.monotonic() - since < 5000, 'sooner than by its silence')
    }, 500))

  test('while the server is away a group is what it was; a turn that was held then goes to nobody else before it is released', () =>
    behindPassage(async ({ bus, beside, server }) => {
      const [a, b] = [bus.group?.('store', 'a'), beside.group?.('store', 'b')]
      assert.ok(a && b)
      const release = await a.turn()
      assert.deepEqual(await b.members(), ['a', 'b'])
      await server.kill()
      assert.deepEqual(
        [await a.members(), await b.members()],
        [
          ['a', 'b'],
          ['a', 'b'],
        ],
      )
      let granted = false
      const turn = b.turn().then((given) => {
        granted = true
        return given
      })
      await server.startAgain()
      await bus.head()
      await beside.head()
      assert.deepEqual(
        [await a.members(), await b.members()],
        [
          ['a', 'b'],
          ['a', 'b'],
        ],
      )
      await b.members()
      assert.equal(granted, false)
      release()
      ;(await turn)()
    }))

  test('credentials that are revoked stop it, and once they are restored it goes on by itself', async () => {
    const server = await PrivateServer.start()
    const rules = join(server.folder, 'more.conf')
    const withPassword = (password: string): Promise<void> =>
      writeFile(rules, `authorization { user: "skerry", password: "${password}" }\n`)
    await withPassword('one')
    await server.stop()
    await server.startAgain()
    const url = server.url.replace('//', '//skerry:one@')
    const bus = await openNatsBus({ url, app: 'guarded', durability: 'engine', connectTimeoutMs: 1000 })
    const p = new Publisher('p', 's')
    await p.append(bus)
    await withPassword('two')
    process.kill(server.pid, 'SIGHUP')
    await until(() => p.send(bus, 1, 2, 1).then(...noOrUnavailable), 'the server refuses')
    await withPassword('one')
    await appendFile(rules, '')
    process.kill(server.pid, 'SIGHUP')
    await until(() => p.send(bus, 1, 2, 1).then(...yesOrNo), 'it is let in again')
    assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(2))
    await bus.close()
    await server.dispose()
  })

  test('a bus whose stream was exchanged under it says so and writes no more', () =>
    behindPassage(async ({ bus, server, beside }) => {
      await new Publisher('p', 's').append(bus, 2)
      await server.kill()
      await server.wipe()
      await server.startAgain()
      const another = await openNatsBus({ url: server.url, app: 'proxied', durability: 'engine' })
      await assert.rejects(new Publisher('q', 's').append(bus), { code: 'log_changed' })
      await assert.rejects(beside.head(), { code: 'log_changed' })
      assert.deepEqual((await another.status()).streams, [])
      await another.close()
    }))
})

const yesOrNo: [() => boolean, (error: unknown) => boolean] = [
  () => true,
  (error) => {
    assert.equal((error as { code?: string }).code, 'unavailable')
    return false
  },
]

const noOrUnavailable: [() => boolean, (error: unknown) => boolean] = [
  () => false,
  (error) => yesOrNo[1](error) === false,
]
