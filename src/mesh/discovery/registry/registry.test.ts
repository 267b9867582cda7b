import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { missingProgram } from '../../../../test/servers/programs.ts'
import { seededRandom } from '../../../ids.ts'
import { systemClock } from '../../../time.ts'
import { instance, Place, secret, Watch, within } from '../fixture.ts'
import { registryAddress } from './address.ts'
import { reconnectMs } from './client.ts'
import { LineReader } from './lines.ts'
import type { Told } from './messages.ts'
import { proofOf } from './secret.ts'

/** A client that says whatever the test wants. */
class Stranger {
  readonly socket: Socket
  readonly told: Told[] = []
  readonly closed: Promise<unknown>
  readonly #reader = new LineReader(1 << 24)

  constructor(place: Place) {
    this.socket = connect({ path: join(place.folder, 'registry.sock') })
    // Whoever is cut off while it speaks sees a reset: that is an end like any other.
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => this.socket.once('close', resolve))
    this.socket.on('data', (chunk: Buffer) => {
      for (const line of this.#reader.read(chunk)) this.told.push(JSON.parse(line) as Told)
    })
    place.atEnd(async () => void this.socket.destroy())
  }

  async next<K extends Told['kind']>(kind: K): Promise<Extract<Told, { kind: K }>> {
    for (;;) {
      const found = this.told.find((message) => message.kind === kind)
      if (found) return found as Extract<Told, { kind: K }>
      await within(
        new Promise((resolve) => this.socket.once('data', resolve)),
        () => `no ${kind}, but ${JSON.stringify(this.told)}`,
      )
    }
  }

  say(message: object): void {
    this.socket.write(`${JSON.stringify(message)}\n`)
  }

  async join(): Promise<this> {
    const { nonce } = await this.next('challenge')
    this.say({ kind: 'proof', nonce: 'mine', mac: proofOf(secret, 'client', { registry: nonce, client: 'mine' }) })
    await this.next('welcome')
    return this
  }
}

describe('a registry and its clients', () => {
  test('an instance is seen by those who watch when it comes, changes and goes', async () => {
    await Place.with(async (place) => {
      const registry = await place.registry()
      assert.equal(registry.address, place.socket)
      const watch = new Watch(place.client())
      await watch.until(({ ids, about }) => ids.length === 0 && about.freshness === 'settling')
      const client = place.client()
      const registered = client.register(instance('a', { labels: { version: 'v2' }, zone: 'north', expected: 1 }))
      const { endpoints, about } = await watch.ids('a')
      assert.deepEqual(endpoints, [
        { id: 'a', address: 'http://a.test:80', labels: { version: 'v2' }, weight: 1, zone: 'north' },
      ])
      assert.deepEqual(about, { expected: 1, freshness: 'live' })
      registered.update({ weight: 3 })
      await watch.until((seen) => seen.endpoints[0]?.weight === 3)
      registered.update({ ready: false })
      await watch.ids()
      registered.update({ ready: true })
      await watch.ids('a')
      registered.withdraw()
      await watch.ids()
      client.register(instance('b'))
      await watch.ids('b')
      await client.close()
      await watch.ids()
    })
  })

  test('one connection carries all that a process registers and watches', async () => {
    await Place.with(async (place) => {
      await place.registry({ maxConnections: 1 })
      const client = place.client()
      const watches = ['orders', 'carts', 'stock'].map((service) => new Watch(client, service))
      for (const service of ['orders', 'carts', 'stock']) client.register(instance(`${service}-1`, { service }))
      for (const [i, watch] of watches.entries()) await watch.ids(`${['orders', 'carts', 'stock'][i]}-1`)
    })
  })

  test('who registers twice, or something that cannot be, is told at once', async () => {
    await Place.with(async (place) => {
      const client = place.client()
      client.register(instance('a'))
      assert.throws(() => client.register(instance('a')), {
        code: 'invalid_config',
        message: /a is registered already/,
      })
      assert.throws(() => client.register(instance('b', { weight: -1 })), {
        message: /cannot be registered \(weight\)/,
      })
      const long = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${i}`, '√'.repeat(256)]))
      client.register(instance('long', { labels: { ...long, one: 'more' } }))
      const longer = Object.fromEntries(Object.entries(long).map(([name, value]) => [name.padEnd(250, '√'), value]))
      assert.throws(() => client.register(instance('longer', { labels: longer })), { message: /more than 65536 bytes/ })
      for (let i = 2; i < 256; i++) client.register(instance(`i${i}`))
      assert.throws(() => client.register(instance('too many')), { message: /at most 256 instances/ })
      for (let i = 0; i < 1024; i++) client.watch(`s${i}`, () => {})
      assert.throws(() => client.watch('too many', () => {}), { message: /at most 1024 services/ })
      client.watch('s0', () => {})
      await client.close()
      assert.throws(() => client.register(instance('c')), { code: 'closed' })
    })
  })

  test('a list has the load of each instance, as it says it once a second', async () => {
    await Place.with(async (place) => {
      await place.registry()
      const client = place.client()
      client.register(instance('a'), () => 7)
      client.register(instance('b'))
      for (;;) {
        const [orders] = await client.list()
        const loads = orders?.instances.map(({ id, load }) => [id, load])
        if (loads?.[0]?.[1] === undefined) continue
        assert.deepEqual(loads, [
          ['a', 7],
          ['b', undefined],
        ])
        return
      }
    })
  })

  test('a registry that is gone takes nothing away, and its clients find the next one', async () => {
    await Place.with(async (place) => {
      const first = await place.registry()
      const watch = new Watch(place.client())
      place.client().register(instance('a', { expected: 1 }))
      await watch.ids('a')
      await first.close()
      await watch.until(({ ids, about }) => about.freshness === 'kept' && ids[0] === 'a')
      await place.registry()
      await watch.until(({ ids, about }) => about.freshness === 'live' && ids[0] === 'a')
      assert.ok(watch.all.slice(1).every(({ ids }) => ids[0] === 'a'))
    })
  })

  test('a socket file is closed to others, replaced when it was left behind, and not taken from who listens', async () => {
    await Place.with(async (place) => {
      const path = join(place.folder, 'registry.sock')
      const other = createServer().listen(path)
      await once(other, 'listening')
      await assert.rejects(place.registry(), { code: 'conflict' })
      other.close()
      await once(other, 'close')
      writeFileSync(path, '')
      await place.registry()
      assert.equal(statSync(path).mode & 0o777, 0o600)
    })
  })

  test('a port that is taken is refused in one line', async () => {
    await Place.with(async (place) => {
      const { address } = await place.registry({ listen: registryAddress('tcp://127.0.0.1:0') })
      const watch = new Watch(place.client({ address }))
      await watch.ids()
      await assert.rejects(place.registry({ listen: registryAddress(address) }), {
        code: 'io_error',
        message: /^tcp:\/\/127\.0\.0\.1:\d+: cannot listen/,
      })
    })
  })

  test('over TLS a registry is known by its certificate, and one without is refused', {
    skip: missingProgram('openssl'),
  }, async () => {
    await Place.with(async (place) => {
      const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(place.folder, name)) as [string, string]
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
      const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
      execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
      const tls = { key: readFileSync(key), cert: readFileSync(cert) }
      const listen = registryAddress('tls://localhost:0')
      await assert.rejects(place.registry({ listen }), { code: 'invalid_config', message: /certificate/ })
      const { address } = await place.registry({ listen, tls })
      const watch = new Watch(place.client({ address, tls: { ca: tls.cert } }))
      await watch.ids()
      await assert.rejects(place.client({ address }).joined(), { code: 'unavailable', message: /self-signed/ })
    })
  })
})

describe('the secret of a registry', () => {
  test('that is wrong is refused in one line on both sides, and nothing is told', async () => {
    await Place.with(async (place) => {
      const refused: string[] = []
      await place.registry({ onRefused: (why) => refused.push(why) })
      const client = place.client({ secret: 'another secret of some length' })
      const watch = new Watch(client)
      await assert.rejects(client.joined(), {
        code: 'unauthorized',
        message: `registry ${place.socket}: the secret is not the one of this registry; give the secret that the registry was started with`,
      })
      assert.deepEqual(refused, ['a client on this machine: the secret is not the one of this registry'])
      assert.deepEqual(watch.all, [])
    })
  })

  test('must be known to the registry, too', async () => {
    await Place.with(async (place) => {
      const impostor = createServer((socket) => {
        socket.on('error', () => {})
        socket.write('{"kind":"challenge","protocol":"skerry-registry/1","nonce":"n"}\n')
        socket.once('data', () => socket.write('{"kind":"welcome","mac":"whatever"}\n{"kind":"list"}\n'))
      })
      impostor.listen(join(place.folder, 'registry.sock'))
      await once(impostor, 'listening')
      place.atEnd(async () => void impostor.close())
      await assert.rejects(place.client().joined(), { code: 'unauthorized', message: /it does not know the secret/ })
    })
  })

  test('is proved once: who says something else first is ended, and a proof heard before is of no use', async () => {
    await Place.with(async (place) => {
      await place.registry()
      const eager = new Stranger(place)
      eager.say({ kind: 'list' })
      assert.equal((await eager.next('refused')).reason, 'something before the proof')
      await eager.closed
      const first = new Stranger(place)
      const { nonce } = await first.next('challenge')
      const proof = {
        kind: 'proof',
        nonce: 'mine',
        mac: proofOf(secret, 'client', { registry: nonce, client: 'mine' }),
      }
      first.say(proof)
      await first.next('welcome')
      const second = new Stranger(place)
      await second.next('challenge')
      second.say(proof)
      assert.match((await second.next('refused')).reason, /secret/)
    })
  })

  test('that is not proved in time ends the connection', async () => {
    await Place.with(async (place) => {
      await place.registry({ proofMs: 300 })
      const silent = new Stranger(place)
      assert.equal((await silent.next('refused')).reason, 'no proof came in time')
      await silent.closed
    })
  })
})

describe('bad input of a registry', () => {
  test('of a thousand kinds ends that connection alone', async () => {
    await Place.with(async (place) => {
      const registry = await place.registry()
      const watch = new Watch(place.client())
      const good = place.client()
      good.register(instance('good'))
      await watch.ids('good')
      const random = seededRandom('bad input')
      for (let i = 0; i < 1000; i++) await attack(place, random, i)
      good.register(instance('still'))
      await watch.ids('good', 'still')
      assert.ok(watch.all.every(({ ids, about }) => about.freshness !== 'kept' && !ids.includes('bad')))
      assert.equal(registry.address, place.socket)
    })
  })

  test('that drips in is silence: only what is whole counts', async () => {
    await Place.with(async (place) => {
      await place.registry({ times: { silenceMs: 500 } })
      const slow = await new Stranger(place).join()
      const drip = (): void => {
        if (slow.socket.writable) slow.socket.write(' ')
        else return
        systemClock.after(50, drip, { background: true })
      }
      drip()
      assert.match((await slow.next('refused')).reason, /nothing was heard for 500 ms/)
      await slow.closed
    })
  })

  test('does not fill the memory: who does not read is told only what is newest', async () => {
    await Place.with(async (place) => {
      await place.registry()
      const stuck = await new Stranger(place).join()
      stuck.say({ kind: 'watch', service: 'orders' })
      await stuck.next('view')
      stuck.socket.pause()
      const client = place.client()
      const watch = new Watch(client)
      const label = 'x'.repeat(250)
      const labels = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`l${i}`, label]))
      for (let i = 0; i < 100; i++) client.register(instance(`i${String(i).padStart(3, '0')}`, { labels }))
      await watch.until(({ ids }) => ids.length === 100)
      const registered = client.register(instance('changing'))
      for (let weight = 2; weight <= 40; weight++) {
        registered.update({ weight })
        await watch.until(({ endpoints }) => endpoints.some((one) => one.id === 'changing' && one.weight === weight))
        // Only pings keep it from being ended for silence.
        stuck.say({ kind: 'ping', loads: [] })
      }
      stuck.told.length = 0
      stuck.socket.resume()
      const weights: number[] = []
      while (weights.at(-1) !== 40) {
        await within(once(stuck.socket, 'data'), () => `views with ${weights}`)
        for (const message of stuck.told.splice(0)) {
          const changing = message.kind === 'view' && message.endpoints.find(({ id }) => id === 'changing')
          if (changing) weights.push(changing.weight)
        }
      }
      assert.ok(weights.length < 10, `${weights.length} views of 1.5 MB were kept`)
    })
  })
})

/** One connection of somebody who means no good; resolves when it is over. */
async function attack(place: Place, random: () => number, i: number): Promise<void> {
  const stranger = new Stranger(place)
  const joined = i % 2 === 0
  if (joined) await stranger.join()
  const bytes = Buffer.from(Array.from({ length: 1 + random() * 300 }, () => Math.floor(random() * 256)))
  const register = JSON.stringify({ kind: 'register', registration: instance('bad') })
  const inputs: (() => Buffer | string)[] = [
    () => bytes,
    () => `${bytes.toString('latin1')}\n`,
    () => Buffer.concat([bytes, Buffer.from('\n')]),
    () => 'x'.repeat(70_000),
    () => `${register.slice(0, Math.floor(random() * register.length))}\n`,
    () => register.replace('"weight":1', `"weight":${['null', '-1', '1e999', '"1"', '[]'][i % 5]}`).concat('\n'),
    () => `${'['.repeat(30_000)}\n`,
    () => 'GET / HTTP/1.1\r\nHost: registry\r\n\r\n',
    () => '{"kind":"ping","loads":[{"service":"orders","id":"good","load":null}]}\n',
    () => '{"kind":"__proto__"}\n',
  ]
  stranger.socket.write((inputs[Math.floor(random() * inputs.length)] as () => Buffer | string)())
  // What has no end is not wrong yet: its sender gives up.
  stranger.socket.end()
  await within(stranger.closed, () => `input ${i} did not end its connection`)
}

test('tries to reconnect are spread, ever further apart, at most two seconds', () => {
  assert.deepEqual(
    [0, 1, 2, 5, 6, 99].map((n) => reconnectMs(n, () => 1 - Number.EPSILON)).map(Math.round),
    [50, 100, 200, 1600, 2000, 2000],
  )
  assert.equal(
    reconnectMs(99, () => 0),
    1000,
  )
})
