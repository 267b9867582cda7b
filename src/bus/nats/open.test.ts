import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { missingSync } from '../../../test/servers/nats.ts'
import { missing } from '../../../test/servers/needs.ts'
import { Passage } from '../../../test/servers/passage.ts'
import { freePort } from '../../../test/servers/process.ts'
import { Publisher } from '../conformance/fixture.ts'
import { isAtLeast } from './durability.ts'
import { endsShared, natsFixture, PrivateServer, sharedServer } from './fixture.ts'
import { namesOf } from './names.ts'
import { openNatsBus } from './open.ts'

const engine = { durability: 'engine' } as const

describe('NATS bus: opening', { skip: missing('nats-server') }, () => {
  endsShared()

  test('a server that cannot be asked whether it syncs first is refused, with the version, the loss and the remedy', async () => {
    const { url } = await sharedServer()
    await assert.rejects(openNatsBus({ url, app: 'strict' }), {
      code: 'capability_absent',
      message: /nats-server \d+\.\d+\.\d+ .*power cut .* can lose .*sync_interval.*durability: 'engine'/s,
    })
  })

  test('a server that syncs first says so at its monitoring address, and then nothing needs to be accepted', {
    skip: missingSync,
  }, async () => {
    const [syncing, lazy] = [
      await PrivateServer.start({ durability: 'FULL', newer: true }),
      await PrivateServer.start({ durability: 'NORMAL', newer: true }),
    ]
    try {
      const bus = await openNatsBus({ url: syncing.url, app: 'strict', monitor: syncing.monitor })
      assert.equal(bus.capabilities.durability, 'synced')
      await bus.close()
      const refused = { code: 'capability_absent' }
      await assert.rejects(openNatsBus({ url: lazy.url, app: 'strict', monitor: lazy.monitor }), {
        ...refused,
        message: /does not sync/,
      })
      await assert.rejects(openNatsBus({ url: lazy.url, app: 'strict', monitor: syncing.monitor }), {
        ...refused,
        message: /not the server/,
      })
    } finally {
      await syncing.dispose()
      await lazy.dispose()
    }
  })

  test('a server that is too old is refused, with the version found and needed', async () => {
    const passage = await Passage.to((await sharedServer()).port)
    passage.disguise((answer) => answer.replace(/"version":"[\d.]+"/, '"version":"2.8.4"'))
    try {
      await assert.rejects(openNatsBus({ url: `nats://127.0.0.1:${passage.port}`, app: 'old', ...engine }), {
        code: 'capability_absent',
        message: `nats://127.0.0.1:${passage.port}: nats-server 2.8.4 is too old; Skerry needs 2.9 or later`,
      })
    } finally {
      await passage.close()
    }
  })

  test('what was accepted in writing is what the bus declares', async () => {
    const fixture = await natsFixture()
    const bus = await fixture.open()
    assert.equal(bus.capabilities.durability, 'engine')
    await bus.close()
  })

  test('a stream with other settings, or of somebody else, is refused by name', async () => {
    const fixture = await natsFixture()
    const { url } = fixture.server
    await (await fixture.open()).close()
    await onServer(url, async (jsm) => {
      await jsm.streams.update(namesOf(fixture.app).log, { max_age: 1e12 })
      await jsm.streams.add({ name: 'SKERRY_foreign', subjects: ['foreign.>'] })
    })
    await assert.rejects(fixture.open(), {
      code: 'invalid_config',
      message: new RegExp(`stream SKERRY_${fixture.app} has max_age .*nats stream edit`),
    })
    await assert.rejects(openNatsBus({ url, app: 'foreign', ...engine }), {
      code: 'invalid_config',
      message: /stream SKERRY_foreign was not made by Skerry/,
    })
  })

  test('two streams that do not belong together are refused', async () => {
    const fixture = await natsFixture()
    const names = namesOf(fixture.app)
    const bus = await fixture.open()
    await new Publisher('p', 's').append(bus)
    await bus.close()
    await onServer(fixture.server.url, (jsm) => jsm.streams.delete(names.registry))
    await assert.rejects(fixture.open(), { code: 'log_changed', message: /second is missing/ })
    const other = await natsFixture()
    await (await other.open()).close()
    await onServer(fixture.server.url, (jsm) => jsm.streams.delete(namesOf(other.app).log))
    await assert.rejects(other.open(), { code: 'log_changed', message: /of different buses/ })
  })

  test('many that open a new bus at the same moment find one and the same', async () => {
    const fixture = await natsFixture()
    const buses = await Promise.all(Array.from({ length: 8 }, () => fixture.open()))
    const lineages = await Promise.all(buses.map((bus) => bus.lineage()))
    assert.equal(new Set(lineages.map(({ bus }) => bus)).size, 1)
    for (const bus of buses) await bus.close()
  })

  test('nobody there, or credentials that are refused: one line with the address, and no password in it', async () => {
    const port = await freePort()
    const url = `nats://skerry:secret@127.0.0.1:${port}`
    const told = (code: string) => (error: { code?: string; message: string }) => {
      assert.equal(error.code, code)
      assert.match(error.message, /nats:\/\/127.0.0.1:/)
      assert.doesNotMatch(error.message, /secret|\n/)
      return true
    }
    await assert.rejects(openNatsBus({ url, app: 'a', ...engine, connectTimeoutMs: 1000 }), told('unavailable'))
    const server = await PrivateServer.start()
    await writeFile(join(server.folder, 'more.conf'), 'authorization { user: "skerry", password: "another" }\n')
    await server.stop()
    await server.startAgain()
    const guarded = server.url.replace('//', '//skerry:secret@')
    await assert.rejects(
      openNatsBus({ url: guarded, app: 'a', ...engine, connectTimeoutMs: 2000 }),
      told('unauthorized'),
    )
    await server.dispose()
  })
})

test('versions are compared by their numbers', () => {
  assert.ok(isAtLeast('2.10.0', [2, 10]) && isAtLeast('2.15.2', [2, 10]) && isAtLeast('3.0.0', [2, 10]))
  assert.ok(!isAtLeast('2.9.25', [2, 10]) && !isAtLeast('1.99.0', [2, 9]))
})

async function onServer(
  url: string,
  work: (jsm: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<unknown>,
): Promise<void> {
  const connection = await connect({ servers: url })
  await work(await jetstreamManager(connection))
  await connection.close()
}
