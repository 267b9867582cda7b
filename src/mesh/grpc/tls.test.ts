import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import { type Certificates, makeCertificates } from '../../../test/servers/certificates.ts'
import { missingProgram } from '../../../test/servers/programs.ts'
import type { App } from '../../app.ts'
import { call } from '../../call.ts'
import { contract } from '../../contract.ts'
import { emptyLock, grown } from '../../contracts/lock.ts'
import { protoOf } from '../../contracts/proto.ts'
import { client } from '../../mesh.ts'
import { service } from '../../service.ts'
import { start } from '../../start.ts'
import type { ClientTls } from '../tls.ts'

const Clock = contract('clock', {
  events: {},
  calls: { hour: call({ http: 'GET /hour', input: z.object({}), output: z.object({ n: z.int() }), deadlineMs: 5000 }) },
})
const clock = service(Clock).serve(Clock.hour, async () => ({ n: 12 }))
const lock = grown(emptyLock, [Clock])
const proto = protoOf(Clock, lock.services.clock?.numbers ?? {})

describe('gRPC within TLS', { skip: missingProgram('openssl') }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-grpcs-'))
  let made: Certificates
  let plain: App
  let mutual: App
  const pem = (file: string): Buffer => readFileSync(file)

  before(async () => {
    made = makeCertificates(dir)
    writeFileSync(join(dir, 'lock.json'), JSON.stringify(lock))
    const tls = { cert: pem(made.server.cert), key: pem(made.server.key) }
    const open = (name: string, more: { ca?: Buffer }): Promise<App> =>
      start([clock], {
        ...{ dir: join(dir, name), grpc: { address: '127.0.0.1:0', lock: join(dir, 'lock.json') } },
        tls: { ...tls, ...more },
      })
    plain = await open('plain', {})
    mutual = await open('mutual', { ca: pem(made.ca) })
  })
  after(async () => {
    await plain.stop()
    await mutual.stop()
    rmSync(dir, { recursive: true })
  })

  async function ask(at: string | undefined, tls?: ClientTls): Promise<number> {
    const rules = { policies: [{ host: '*', retry: false as const }] }
    const calls = client(Clock, { at: [at as string], grpc: { proto }, rules, ...(tls && { tls }) })
    try {
      return (await calls.call(Clock.hour, {})).n
    } finally {
      await calls.close()
    }
  }
  const showing = (pair: { cert: string; key: string }): ClientTls => ({
    ...{ ca: pem(made.ca), cert: pem(pair.cert), key: pem(pair.key) },
  })
  const refused = (reason: RegExp) => ({
    code: 'unavailable',
    message: new RegExp(`^clock: grpcs://[^ ]+:\\d+: cannot connect: ${reason.source}$`),
  })

  /** As an address, which is no name, and as a name. */
  const waysTo = (app: App): string[] => {
    assert.match(app.grpcUrl as string, /^grpcs:\/\/127\.0\.0\.1:\d+$/)
    return [app.grpcUrl as string, (app.grpcUrl as string).replace('127.0.0.1', 'localhost')]
  }

  test('answers whoever trusts the signer; others say in one line why they left', async () => {
    for (const at of waysTo(plain)) {
      const ca = pem(made.ca)
      assert.equal(await ask(at, { ca }), 12)
      assert.equal(await ask(at, { ca, servername: 'localhost' }), 12)
      await assert.rejects(ask(at), refused(/[^\n]*(?:certificate|self-signed)[^\n]*/))
      await assert.rejects(ask(at, { ca: pem(made.otherCa) }), refused(/[^\n]*(?:certificate|self-signed)[^\n]*/))
      await assert.rejects(ask(at, { ca, servername: 'elsewhere' }), refused(/[^\n]*altnames: Host: elsewhere\.[^\n]*/))
    }
  })

  test('the certificate must be that of the address', async () => {
    const at = { cert: pem(made.client.cert), key: pem(made.client.key) }
    const grpc = { address: '127.0.0.1:0', lock: join(dir, 'lock.json') }
    const app = await start([clock], { dir: join(dir, 'another'), grpc, tls: at })
    const ca = pem(made.ca)
    await assert.rejects(ask(app.grpcUrl, { ca }), refused(/[^\n]*127\.0\.0\.1[^\n]*/))
    assert.equal(await ask(app.grpcUrl, { ca, servername: 'client' }), 12)
    await app.stop()
  })

  test('with a signer of clients, only to those that show a certificate of its; the others hear that it is about theirs', async () => {
    for (const at of waysTo(mutual)) {
      assert.equal(await ask(at, showing(made.client)), 12)
      await assert.rejects(ask(at, { ca: pem(made.ca) }), refused(/[^\n]*certificate[^\n]*/))
      await assert.rejects(ask(at, showing(made.stranger)), refused(/[^\n]*(?:certificate|unknown ca)[^\n]*/))
    }
  })

  test('without TLS nobody is answered', async () => {
    const at = (plain.grpcUrl as string).replace('grpcs:', 'grpc:')
    await assert.rejects(ask(at), { code: 'unavailable', message: /cannot connect: [^\n]* gRPC without TLS\?$/ })
  })
})
