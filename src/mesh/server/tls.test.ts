import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import { promisify } from 'node:util'
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { z } from 'zod'
import { makeCertificates, type Pair } from '../../../test/servers/certificates.ts'
import { missingProgram } from '../../../test/servers/programs.ts'
import type { App } from '../../app.ts'
import { call } from '../../call.ts'
import { contract } from '../../contract.ts'
import { emptyLock, grown } from '../../contracts/lock.ts'
import { client } from '../../mesh.ts'
import { service } from '../../service.ts'
import { start } from '../../start.ts'
import type { ClientTls } from '../tls.ts'
import type { ServerTls } from './tls.ts'

const run = promisify(execFile)
const Clock = contract('clock', {
  events: {},
  calls: { hour: call({ http: 'GET /hour', input: z.object({}), output: z.object({ n: z.int() }), deadlineMs: 5000 }) },
})
const clock = service(Clock)
clock.serve(Clock.hour, async () => ({ n: 12 }))

describe('calls within TLS', { skip: missingProgram('openssl') }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-tls-'))
  const lock = join(dir, 'lock.json')
  let made: Record<'server' | 'client' | 'stranger', { cert: Buffer; key: Buffer; files: Pair }> & {
    ca: Buffer
    caFile: string
  }
  let plain: App
  let mutual: App

  const open = (name: string, tls: ServerTls): Promise<App> =>
    start([clock], { dir: join(dir, name), http: '0', frames: '0', grpc: { address: '0', lock }, tls, graceMs: 2000 })

  before(async () => {
    writeFileSync(lock, JSON.stringify(grown(emptyLock, [Clock])))
    const files = makeCertificates(dir)
    const read = (pair: Pair) => ({ cert: readFileSync(pair.cert), key: readFileSync(pair.key), files: pair })
    made = {
      ...{ server: read(files.server), client: read(files.client), stranger: read(files.stranger) },
      ...{ ca: readFileSync(files.ca), caFile: files.ca },
    }
    const { cert, key } = made.server
    plain = await open('plain', { cert, key })
    mutual = await open('mutual', { cert, key, ca: made.ca })
  })
  after(async () => {
    await plain.stop()
    await mutual.stop()
    rmSync(dir, { recursive: true })
  })

  const pair = ({ cert, key }: { cert: Buffer; key: Buffer }): ClientTls => ({ ca: made.ca, cert, key })

  async function ask(at: string, tls: ClientTls): Promise<number> {
    const calls = client(Clock, { at: [at], tls, rules: { policies: [{ host: '*', retry: false }] } })
    try {
      return (await calls.call(Clock.hour, {})).n
    } finally {
      await calls.close()
    }
  }

  function askGrpc(app: App, how: ChannelCredentials): Promise<ServiceError | null> {
    // By name: the client library gives Node an address as a name, which it refuses.
    const grpc = new Client((app.grpcUrl as string).replace('grpcs://127.0.0.1', 'localhost'), how)
    const bytes = (one: Buffer): Buffer => one
    return new Promise((resolve) =>
      grpc.makeUnaryRequest('/clock.Clock/Hour', bytes, bytes, Buffer.alloc(0), new Metadata(), (error) => {
        grpc.close()
        resolve(error)
      }),
    )
  }

  const doors = (app: App): string[] => [app.url as string, app.framesUrl as string]

  test('are answered over HTTP and by frames to whoever trusts the signer, and to nobody else', async () => {
    assert.deepEqual(
      doors(plain).map((url) => new URL(url).protocol),
      ['https:', 'tls:'],
    )
    for (const at of doors(plain)) {
      assert.equal(await ask(at, { ca: made.ca }), 12)
      await assert.rejects(ask(at, {}), { code: 'unavailable', message: /certificate|self-signed|unable/ }, at)
      await assert.rejects(ask(at, { ca: made.ca, servername: 'elsewhere' }), {
        code: 'unavailable',
        message: /altnames/,
      })
    }
    assert.equal(await askGrpc(plain, credentials.createSsl(made.ca)), null)
    assert.equal((await askGrpc(plain, credentials.createInsecure()))?.code, status.UNAVAILABLE)
  })

  test('with a signer of clients, only to those that show a certificate of its', async () => {
    for (const at of doors(mutual)) {
      assert.equal(await ask(at, pair(made.client)), 12)
      await assert.rejects(ask(at, pair(made.stranger)), { code: 'unavailable' }, at)
      await assert.rejects(ask(at, { ca: made.ca }), { code: 'unavailable' }, at)
    }
    const { cert, key } = made.client
    assert.equal(await askGrpc(mutual, credentials.createSsl(made.ca, key, cert)), null)
    assert.equal((await askGrpc(mutual, credentials.createSsl(made.ca)))?.code, status.UNAVAILABLE)
  })

  test('speak HTTP/1.1 and HTTP/2, as both sides agree', { skip: missingProgram('curl') }, async () => {
    const ask = async (...args: string[]): Promise<string> => {
      const format = '%{http_version} %{response_code}'
      const common = ['--silent', '--cacert', made.caFile, '--write-out', format, '--output', '/dev/null']
      return (await run('curl', [...common, ...args])).stdout
    }
    assert.equal(await ask('--http1.1', `${plain.url}/hour`), '1.1 200')
    assert.equal(await ask('--http2', `${plain.url}/hour`), '2 200')
    const { cert, key } = made.client.files
    assert.equal(await ask('--http2', '--cert', cert, '--key', key, `${mutual.url}/hour`), '2 200')
    await assert.rejects(ask(`${mutual.url}/hour`))
  })

  test('whoever speaks no TLS is cut off, and the others go on', async () => {
    for (const url of doors(plain)) {
      const socket = connectPlain(Number(new URL(url).port), '127.0.0.1')
      socket.resume().on('error', () => {})
      socket.write('GET /hour HTTP/1.1\r\nhost: x\r\n\r\n')
      await new Promise((resolve) => socket.once('close', resolve))
      assert.equal(await ask(url, { ca: made.ca }), 12)
    }
  })

  test('whoever says nothing within it, or does not even begin it, is let go after a while', async () => {
    const { cert, key } = made.server
    const at = { address: '0', requestMs: 200 }
    const app = await start([clock], { dir: join(dir, 'slow'), http: at, frames: at, tls: { cert, key } })
    const [http, frames] = doors(app).map((url) => Number(new URL(url).port)) as [number, number]
    const ends = [http, frames].flatMap((port) => [
      connectPlain(port, '127.0.0.1'),
      connectSecure({ port, host: '127.0.0.1', ca: made.ca, ALPNProtocols: ['http/1.1'] }),
    ])
    ends.push(connectSecure({ port: http, host: '127.0.0.1', ca: made.ca, ALPNProtocols: ['h2'] }))
    await Promise.all(
      ends.slice(0, 4).map(
        (socket) =>
          new Promise((resolve) =>
            socket
              .resume()
              .on('error', () => {})
              .once('close', resolve),
          ),
      ),
    )
    ends[4]?.destroy()
    await app.stop()
  })

  test('a socket of a file is never encrypted: it is closed to others as it is', async () => {
    const { cert, key } = made.server
    const path = (name: string): string => `unix:${join(dir, name)}`
    const app = await start([clock], {
      ...{ dir: join(dir, 'files'), http: path('http'), frames: path('frames'), tls: { cert, key } },
    })
    assert.deepEqual(doors(app), [path('http'), path('frames')])
    const at = { address: app.url as string, frames: app.framesUrl as string }
    const calls = client(Clock, { at: [at] })
    assert.equal((await calls.call(Clock.hour, {})).n, 12)
    await calls.close()
    await app.stop()
  })

  test('what is no certificate, or has another key, is refused at the start', async () => {
    const { cert } = made.server
    for (const tls of [
      { cert: 'x', key: 'y' },
      { cert, key: made.client.key },
    ])
      await assert.rejects(start([clock], { dir: join(dir, 'wrong'), http: '0', tls }), {
        code: 'invalid_config',
        message: /^tls: certificate, key or authority cannot be used \(.*\); give PEM, and the key of the certificate$/,
      })
  })
})
