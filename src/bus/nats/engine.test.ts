import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { missing } from '../../../test/servers/needs.ts'
import { Passage } from '../../../test/servers/passage.ts'
import { systemClock } from '../../time.ts'
import type { Bus } from '../bus.ts'
import { idsOf, Publisher, plenty, readAll, until } from '../conformance/fixture.ts'
import { endsShared, natsFixture, PrivateServer } from './fixture.ts'
import { openNatsBus } from './open.ts'

const small = { segmentBytes: 10_000, keepBytes: 20_000 }

describe('NATS bus: what is special about it', { skip: missing('nats-server') }, () => {
  endsShared()

  test('what a producer sent is recognised when retention has dropped all of it', async () => {
    const fixture = await natsFixture()
    const bus = await fixture.open(small)
    const old = new Publisher('old', 's')
    await old.append(bus, 3)
    const moved = new Publisher('moved', 's')
    await moved.append(bus, 2)
    await new Publisher('moved', 't').send(bus, 2, 3, 2)
    await flood(bus)
    assert.equal(await bus.producerMark('old'), 3)
    assert.equal(await bus.producerMark('moved'), 4)
    const again = await fixture.open()
    await old.send(again, 0, 1, 3)
    await moved.send(again, 2, 3, 2)
    await moved.send(again, 4, 5, 1)
    const { first } = (await bus.status()).streams[0] as { first: number }
    assert.deepEqual(
      idsOf(await readAll(again, 's', first)).filter((id) => !id.startsWith('flood')),
      ['moved-5'],
    )
    assert.equal(await again.producerMark('moved'), 5)
    await again.close()
    await bus.close()
  })

  test('a full log makes room for itself, marks of producers included, and is as large as it was told to be afterwards', async () => {
    const fixture = await natsFixture()
    const maxBytes = 100_000
    const bus = await fixture.open({ maxBytes, segmentBytes: 10_000, connectTimeoutMs: 60_000 })
    for (let n = 0; n < 50; n++) await new Publisher(`p${n}`, 's').append(bus)
    await bus.register({ subscription: 'slow', store: 'one', marks: { s: 0 } })
    const filler = new Publisher('filler', 's')
    let filled = 0
    await assert.rejects(
      async () => {
        for (;;) await filler.send(bus, filled, ++filled, 1)
      },
      { code: 'overloaded', message: /SKERRY|nats:.*maxBytes/ },
    )
    const room = await fixture.open({ segmentBytes: 10_000, keepBytes: 10_000 })
    room.acknowledge('slow', { s: await room.head() })
    await until(async () => (await room.status()).diskBytes < maxBytes / 2, 'retention makes room')
    for (let n = 0; n < 50; n++) assert.equal(await room.producerMark(`p${n}`), 1)
    await room.close()
    await bus.close()
    const last = await fixture.open({ maxBytes })
    assert.equal((await last.status()).diskLimitBytes, maxBytes)
    await last.close()
  })

  test('by age, what is older goes, though nothing is appended any more', async () => {
    const fixture = await natsFixture()
    const bus = await fixture.open({ retention: { ageMs: 300 } })
    const p = new Publisher('p', 's')
    await p.append(bus, 5)
    await until(async () => (await bus.status()).streams[0]?.events === 0, 'it goes')
    await assert.rejects(bus.read('s', 0, plenty), { code: 'position_lost' })
    assert.deepEqual((await bus.read('s', await bus.head(), plenty)).events, [])
    await p.append(bus, 2)
    assert.equal((await bus.status()).streams[0]?.events, 2)
    await bus.close()
  })

  test('after a jump of the wall clock nothing is dropped for a while, and it is reported', async () => {
    const fixture = await natsFixture()
    let jumped = 0
    const facts: string[] = []
    const bus = await fixture.open({
      retention: { ageMs: 3_600_000 },
      clock: { ...systemClock, wall: () => systemClock.wall() + jumped },
      watcher: (fact) => facts.push(fact.kind),
    })
    const p = new Publisher('p', 's')
    const another = await fixture.open()
    await p.append(bus, 2)
    jumped = 2 * 3_600_000
    await p.append(bus, 2)
    await until(async () => (await bus.status()).clockJumps === 1, 'the jump is seen')
    // It waits for what retention is about.
    await bus.close()
    assert.deepEqual(facts, ['clock_jump'])
    assert.equal((await another.status()).streams[0]?.events, 4)
    await another.close()
  })

  test('terms are remembered when retention has dropped the place where they began', async () => {
    const fixture = await natsFixture()
    const first = await fixture.open(small)
    await new Publisher('p', 's').append(first)
    const before = await first.lineage()
    await flood(first)
    await first.close()
    const second = await fixture.open()
    await new Publisher('q', 's').append(second)
    const after = await second.lineage()
    assert.deepEqual(after.incarnations.slice(0, 1), before.incarnations)
    assert.equal(after.incarnations.length, 2)
    assert.ok(Number.parseInt(after.incarnations[1]?.token ?? '', 10) === 2)
    await second.close()
  })

  test('what was counted is counted once, by whichever process asks', async () => {
    const fixture = await natsFixture()
    const bus = await fixture.open(small)
    const p = new Publisher('p', 's')
    await Promise.all([flood(bus), p.append(bus, 100)])
    const rest = (await readAll(bus, 's', (await bus.status()).streams[0]?.first ?? 0)).length
    const other = await fixture.open()
    for (const one of [bus, other, bus]) {
      const [s] = (await one.status()).streams
      assert.equal(s?.events, rest)
    }
    await bus.close()
    await other.close()
    const third = await fixture.open(small)
    await flood(third, 'flood again')
    const [s] = (await third.status()).streams
    assert.equal(s?.events, (await readAll(third, 's', s?.first)).length)
    await third.close()
  })

  test('an event that fits into no message is refused by name, and its neighbours of other batches are not', async () => {
    const server = await PrivateServer.start()
    await writeFile(join(server.folder, 'more.conf'), 'max_payload: 65536\n')
    await server.stop()
    await server.startAgain()
    const bus = await openNatsBus({ url: server.url, app: 'small', durability: 'engine' })
    const p = new Publisher('p', 's')
    await p.append(bus, 10, 20_000)
    await assert.rejects(p.send(bus, 10, 11, 1, 70_000), { code: 'event_too_large', message: /max_payload/ })
    await p.send(bus, 10, 11, 1)
    assert.deepEqual(idsOf(await readAll(bus, 's')), p.ids(11))
    await bus.close()
    await server.dispose()
  })

  test('readers at many places of one stream do not disturb one another', async () => {
    const fixture = await natsFixture()
    const bus = await fixture.open()
    const p = new Publisher('p', 's')
    for (let n = 0; n < 60; n++) await p.append(bus, 5, 2000)
    const all = await readAll(bus, 's')
    const readers = Array.from({ length: 40 }, async (_, n) => {
      const from = all[n * 7]?.position ?? 0
      assert.deepEqual(idsOf(await readAll(bus, 's', from, { events: 7, bytes: 50_000 })), p.ids().slice(n * 7))
    })
    await Promise.all(readers)
    await bus.close()
  })

  test('a backlog is fetched no faster than it is read', async () => {
    const fixture = await natsFixture()
    const bus = await fixture.open()
    const p = new Publisher('p', 's')
    for (let n = 0; n < 100; n++) await p.append(bus, 1, 300_000)
    const passage = await Passage.to(fixture.server.port)
    const other = await fixture.open({ url: `nats://127.0.0.1:${passage.port}` })
    const { next } = await other.read('s', 0, { events: 1, bytes: 1 })
    // What the server wants to send has come before its answers to these.
    for (let n = 0; n < 20; n++) await other.head()
    assert.ok(passage.received < 6_000_000, `${passage.received} bytes came`)
    assert.equal((await readAll(other, 's', next)).length, 99)
    await other.close()
    await passage.close()
    await bus.close()
  })

  test('two processes that send the same numbers store each event once', async () => {
    const fixture = await natsFixture()
    const buses = await Promise.all(Array.from({ length: 4 }, () => fixture.open()))
    const p = new Publisher('p', 's')
    for (let n = 0; n < 50; n++) await Promise.all(buses.map((bus) => p.send(bus, n * 3, n * 3 + 1, 3)))
    assert.deepEqual(idsOf(await readAll(buses[0] as Bus, 's')), p.ids(150))
    for (const bus of buses) await bus.close()
  })

  test('a small credit in bytes is kept to within one message', async () => {
    const fixture = await natsFixture()
    const bus = await fixture.open()
    const p = new Publisher('p', 's')
    await p.append(bus, 50, 1000)
    const chunk = await bus.read('s', 0, { ...plenty, bytes: 5000 })
    assert.ok(chunk.events.length >= 3 && chunk.events.length <= 5, `${chunk.events.length}`)
    await bus.close()
  })
})

/** Writes until retention has dropped the beginning. */
async function flood(bus: Bus, name = 'flood'): Promise<void> {
  const p = new Publisher(name, 's')
  const first = (await bus.status()).streams[0]?.first ?? 0
  for (let n = 0; n < 40; n++) await p.append(bus, 2, 1000)
  await until(
    async () => ((await bus.status()).streams.find((s) => s.stream === 's')?.first ?? 0) > first + 40_960,
    'dropped',
  )
}
