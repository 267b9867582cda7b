import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import type { SkerryError } from '../../errors.ts'
import { openKafkaBus } from './open.ts'

const keys = { fetch: 1, handshake: 17, versions: 18 }

describe('opening', () => {
  test('brokers that are too old are refused, with the version found and the one needed', () =>
    onBroker({ fetch: 11 }, async (port) => {
      const refused = await refusal(`kafka://127.0.0.1:${port}`)
      assert.equal(refused.code, 'capability_absent')
      assert.match(
        refused.message,
        /^kafka:\/\/127\.0\.0\.1:\d+: too old: .* version 11 of .*Fetch, and version 13 is needed/,
      )
      assert.match(refused.message, /Apache Kafka 3\.1 or newer/)
    }))

  test('refused credentials are unauthorized, in one line without the password', () =>
    onBroker({ fetch: 17, handshake: 33 }, async (port) => {
      const refused = await refusal(`kafka://me:hush@127.0.0.1:${port}?mechanism=PLAIN`)
      assert.equal(refused.code, 'unauthorized')
      assert.match(refused.message, /^kafka:\/\/me@127\.0\.0\.1:\d+: .*SASL.*$/)
      assert.doesNotMatch(refused.message, /hush/)
    }))

  test('a broker that nobody reaches is unavailable after the time given, with the cause, without the password', async () => {
    const refused = await refusal('kafka://me:hush@127.0.0.1:1?mechanism=PLAIN')
    assert.equal(refused.code, 'unavailable')
    assert.match(refused.message, /^kafka:\/\/me@127\.0\.0\.1:1: .*ECONNREFUSED.*$/)
    assert.doesNotMatch(refused.message, /hush/)
  })

  test('weaker durability must be accepted in writing, and settings out of range are named', async () => {
    const url = 'kafka://127.0.0.1:1'
    await assert.rejects(openKafkaBus({ url, app: 'x' }), {
      code: 'capability_absent',
      message: /durability: 'engine'/,
    })
    for (const wrong of [{ partitions: 65 }, { replication: 0 }, { sessionTimeoutMs: 999 }, { connectTimeoutMs: 0 }])
      await assert.rejects(openKafkaBus({ url, app: 'x', durability: 'engine', ...wrong }), {
        code: 'invalid_config',
        message: new RegExp(Object.keys(wrong)[0] as string),
      })
  })
})

async function refusal(url: string): Promise<SkerryError> {
  return openKafkaBus({ url, app: 'x', durability: 'engine', connectTimeoutMs: 200 }).then(
    () => assert.fail('it was opened'),
    (error: SkerryError) => error,
  )
}

/** As much of a broker as greets: the newest version of Fetch that it speaks, and its answer to a user, an error's number. */
interface Greeting {
  readonly fetch: number
  readonly handshake?: number
}

async function onBroker(greeting: Greeting, work: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (request) => socket.write(answer(request as Buffer, greeting)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work((server.address() as AddressInfo).port)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** Requests are small, and come one by one: a length, the kind, its version, a number that the answer repeats. */
function answer(request: Buffer, { fetch, handshake = 0 }: Greeting): Buffer {
  const [kind, version] = [request.readInt16BE(4), request.readInt16BE(6)]
  assert.ok(kind === keys.versions || kind === keys.handshake, `it was asked for ${kind}`)
  const body = kind === keys.handshake ? [...int16(handshake), ...int32(0)] : versions(version, fetch)
  return Buffer.from([...int32(4 + body.length), ...request.subarray(8, 12), ...body])
}

function versions(version: number, fetch: number): number[] {
  const kinds = [
    [keys.fetch, 4, fetch],
    [keys.versions, 0, 3],
    [keys.handshake, 0, 1],
  ]
  const compact = version >= 3
  const all = kinds.flatMap((numbers) => [...numbers.flatMap(int16), ...(compact ? [0] : [])])
  const count = compact ? [kinds.length + 1] : int32(kinds.length)
  return [...int16(0), ...count, ...all, ...int32(0), ...(compact ? [0] : [])]
}

const int16 = (value: number): number[] => [(value >> 8) & 255, value & 255]
const int32 = (value: number): number[] => [...int16(value >> 16), ...int16(value)]
