import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { z } from 'zod'
import { makeCertificates, type Pair } from '../../../test/servers/certificates.ts'
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
const grpc = { proto: protoOf(Clock, lock.services.clock?.numbers ?? {}) }

interface Made {
  readonly ca: Buffer
  readonly server: { readonly cert: Buffer; readonly key: Buffer }
  readonly client: { readonly cert: Buffer; readonly key: Buffer }
}

describe('a certificate that is replaced', { skip: missingProgram('openssl') }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-renewing-'))
  let old: Made
  let next: Made
  let app: App
  let kept: ReturnType<typeof clientOf>[]
  const make = (name: string): Made => {
    mkdirSync(join(dir, name))
    const files = makeCertificates(join(dir, name))
    const read = ({ cert, key }: Pair) => ({ cert: readFileSync(cert), key: readFileSync(key) })
    return { ca: readFileSync(files.ca), server: read(files.server), client: read(files.client) }
  }
  before(() => {
    writeFileSync(join(dir, 'lock.json'), JSON.stringify(lock))
    old = make('old')
    next = make('next')
  })
  after(() => rmSync(dir, { recursive: true }))
  beforeEach(() => {
    kept = []
  })
  afterEach(async () => {
    for (const one of kept) await one.close()
    await app.stop()
  })

  const open = async (tls: { cert: Buffer; key: Buffer; ca?: Buffer }): Promise<void> => {
    const address = '127.0.0.1:0'
    const doors = { http: address, frames: address, grpc: { address, lock: join(dir, 'lock.json') } }
    app = await start([clock], { dir: join(dir, 'clock'), ...doors, tls })
  }
  const clientOf = (at: string, tls: ClientTls) =>
    client(Clock, {
      ...{ at: [at], tls, rules: { policies: [{ host: '*', retry: false as const, circuit: false as const }] } },
      ...(at.startsWith('grpcs:') && { grpc }),
    })
  const doors = (): string[] => {
    const urls = [app.url, app.framesUrl, app.grpcUrl] as string[]
    assert.deepEqual(
      urls.map((url) => new URL(url).protocol),
      ['https:', 'tls:', 'grpcs:'],
    )
    return urls
  }
  const asked = async (one: ReturnType<typeof clientOf>): Promise<number> => (await one.call(Clock.hour, {})).n
  async function askAnew(at: string, tls: ClientTls): Promise<number> {
    const one = clientOf(at, tls)
    try {
      return await asked(one)
    } finally {
      await one.close()
    }
  }

  test('is shown to whoever comes then, by every door; those that are there stay', async () => {
    await open(old.server)
    kept = doors().map((at) => clientOf(at, { ca: old.ca }))
    for (const one of kept) assert.equal(await asked(one), 12)
    app.renewTls(next.server)
    for (const at of doors()) {
      assert.equal(await askAnew(at, { ca: next.ca }), 12)
      await assert.rejects(askAnew(at, { ca: old.ca }), { code: 'unavailable' }, at)
    }
    // Their connections were made with the old one, which they would not accept a second time.
    for (const one of kept) assert.equal(await asked(one), 12)
  })

  test('comes with who signs the certificates of clients', async () => {
    await open({ ...old.server, ca: old.ca })
    app.renewTls({ ...old.server, ca: next.ca })
    for (const at of doors()) {
      assert.equal(await askAnew(at, { ca: old.ca, ...next.client }), 12)
      await assert.rejects(askAnew(at, { ca: old.ca, ...old.client }), { code: 'unavailable' }, at)
      await assert.rejects(askAnew(at, { ca: old.ca }), { code: 'unavailable' }, at)
    }
  })

  test('changes nothing where it cannot be used', async () => {
    await open(old.server)
    const refused = (message: RegExp) => ({ code: 'invalid_config', message })
    assert.throws(
      () => app.renewTls({ cert: next.server.cert, key: old.server.key }),
      refused(/^tls: certificate, key/),
    )
    assert.throws(() => app.renewTls({ ...next.server, ca: next.ca }), refused(/stays as it was at the start; give ca/))
    for (const at of doors()) assert.equal(await askAnew(at, { ca: old.ca }), 12)
    await app.stop()
    app = await start([clock], { dir: join(dir, 'clock'), http: '127.0.0.1:0' })
    assert.throws(() => app.renewTls(next.server), refused(/nothing is served within TLS/))
  })
})
