import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Certificates, makeCertificates } from '../../test/servers/certificates.ts'
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
    const own = ['--cert', server.cert, '--key', server.key]
    const registry = terminal.start('registry', '--dir', 'a', '--json', '--registry', 'tls://127.0.0.1:0', ...own)
    const address = String((await registry.fact({ kind: 'ready' })).address)
    const at = ['--registry', address]
    const service = terminal.start('run', 'shop', '--dir', 'a', '--json', '--frames', '0', ...files, ...at)
    const url = String((await service.fact({ kind: 'serving' })).url)
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)

    const shown = await terminal.run(['endpoints', '--dir', 'a', '--json', '--ca', ca, ...at])
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

  test('files that do not belong together, or are not there, are named', async () => {
    const half = await terminal.run(['run', 'shop', '--dir', 'b', '--tls-cert', made.server.cert])
    assert.match(half.err, /--tls-cert and --tls-key belong together/)
    const none = await terminal.run(['call', 'shop.find', '--at', 'https://127.0.0.1:1', '--tls-ca', 'nowhere.pem'])
    assert.match(none.err, /--tls-ca nowhere\.pem: cannot be read/)
  })
})
