import assert from 'node:assert/strict'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Certificates, makeCertificates } from '../../test/servers/certificates.ts'
import { freePort } from '../../test/servers/process.ts'
import { missingProgram } from '../../test/servers/programs.ts'
import { Terminal } from './fixture.ts'

const shop = fileURLToPath(new URL('../mesh/server/http/fixture.ts', import.meta.url))

describe('skerry within TLS', { skip: missingProgram('openssl') }, () => {
  let terminal: Terminal
  let made: Certificates
  before(async () => {
    terminal = await Terminal.open()
    made = makeCertificates(terminal.folder)
    await terminal.write(
      'shop/service.ts',
      `import { shop } from ${JSON.stringify(shop)}\nexport const service = shop()\n`,
    )
  })
  after(() => terminal.close())

  test('run serves by it, wants certificates of clients, and finds its registry by it; call and endpoints reach them', async () => {
    const { server, client, ca } = made
    const files = ['--tls-cert', server.cert, '--tls-key', server.key, '--tls-ca', ca]
    const own = ['--tls-cert', server.cert, '--tls-key', server.key]
    const registry = terminal.start('registry', '--dir', 'a', '--json', '--registry', 'tls://127.0.0.1:0', ...own)
    const address = String((await registry.fact({ kind: 'ready' })).address)
    const at = ['--registry', address]
    const service = terminal.start('run', 'shop', '--dir', 'a', '--json', '--frames', '0', ...files, ...at)
    const url = String((await service.fact({ kind: 'serving' })).url)
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)

    const shown = await terminal.run(['endpoints', '--dir', 'a', '--json', '--tls-ca', ca, ...at])
    const [listed] = JSON.parse(shown.out)
    assert.equal(listed.instances[0].address, url)
    assert.match(listed.instances[0].frames, /^tls:\/\/127\.0\.0\.1:\d+$/)

    const mine = ['--tls-ca', ca, '--tls-cert', client.cert, '--tls-key', client.key]
    const answered = await terminal.run(['call', 'shop.find', '--at', url, '--json', ...mine])
    assert.deepEqual([answered.exit, JSON.parse(answered.out)], [0, { ids: [], tags: [] }])
    assert.equal((await terminal.run(['call', 'shop.find', '--dir', 'a', ...mine])).exit, 0)
    for (const less of [[], ['--tls-ca', ca]]) {
      const refused = await terminal.run(['call', 'shop.find', '--at', url, ...less])
      assert.deepEqual([refused.exit, refused.out], [1, ''])
      assert.match(refused.err, /does not answer: /)
    }
    service.child.kill('SIGTERM')
    assert.equal((await service.ended).exit, 0)
    registry.child.kill('SIGTERM')
    assert.equal((await registry.ended).exit, 0)
  })

  test('SIGHUP has run read its files again; what cannot be used changes nothing', async () => {
    const next = join(terminal.folder, 'next')
    await mkdir(next)
    const other = makeCertificates(next)
    const [cert, key] = [join(terminal.folder, 'shown.pem'), join(terminal.folder, 'shown.key')]
    const show = async (pair: Certificates['server']): Promise<void> => {
      await copyFile(pair.cert, cert)
      await copyFile(pair.key, key)
    }
    for (const processes of ['1', '2']) {
      await show(made.server)
      const files = ['--tls-cert', cert, '--tls-key', key, '--http', String(await freePort())]
      const service = terminal.start('run', 'shop', '--dir', 'c', '--json', '--processes', processes, ...files)
      const { url } = await service.fact({ kind: 'serving' })
      await service.fact({ kind: 'ready' }, Number(processes))
      const ask = (ca: string) => terminal.run(['call', 'shop.find', '--at', String(url), '--tls-ca', ca])
      assert.equal((await ask(made.ca)).exit, 0)

      await show(other.server)
      service.child.kill('SIGHUP')
      await service.fact({ kind: 'renewed' }, Number(processes))
      assert.equal((await ask(other.ca)).exit, 0)
      assert.match((await ask(made.ca)).err, /does not answer: /)

      await writeFile(key, 'no key')
      service.child.kill('SIGHUP')
      const { line } = await service.fact({ kind: 'not_renewed' }, Number(processes))
      assert.match(String(line), /^skerry: invalid_config: tls: certificate, key or authority cannot be used \([^\n]+$/)
      await rm(key)
      service.child.kill('SIGHUP')
      const last = await service.fact({ kind: 'not_renewed' }, 2 * Number(processes))
      assert.match(String(last.line), /--tls-key [^\n]+ cannot be read \([^\n]+$/)
      assert.equal((await ask(other.ca)).exit, 0)
      service.child.kill('SIGTERM')
      assert.equal((await service.ended).exit, 0)
    }
  })

  test('files that do not belong together, or are not there, are named', async () => {
    const half = await terminal.run(['run', 'shop', '--dir', 'b', '--tls-cert', made.server.cert])
    assert.match(half.err, /--tls-cert and --tls-key belong together/)
    const none = await terminal.run(['call', 'shop.find', '--at', 'https://127.0.0.1:1', '--tls-ca', 'nowhere.pem'])
    assert.match(none.err, /--tls-ca nowhere\.pem: cannot be read/)
  })
})
