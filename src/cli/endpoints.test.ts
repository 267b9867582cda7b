import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../ids.ts'
import { RegistryDiscovery } from '../mesh/discovery/registry/client.ts'
import type { Registration } from '../mesh/discovery/registry/messages.ts'
import { systemClock } from '../time.ts'
import { type Started, Terminal } from './fixture.ts'

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
})
after(() => terminal.close())

async function running(dir: string, ...more: string[]): Promise<{ registry: Started; client: RegistryDiscovery }> {
  const registry = terminal.start('registry', '--dir', dir, '--json', ...more)
  const { address } = await registry.fact({ kind: 'ready' })
  const secret = readFileSync(join(terminal.folder, dir, 'registry.secret'), 'utf8').trim()
  const client = new RegistryDiscovery({
    ...{ clock: systemClock, random: seededRandom('client'), address: String(address), secret },
  })
  return { registry, client }
}

async function stopped({ registry, client }: Awaited<ReturnType<typeof running>>): Promise<void> {
  await client.close()
  registry.child.kill('SIGTERM')
  assert.equal((await registry.ended).exit, 0)
}

const instance = (id: string, more: Partial<Registration> = {}): Registration => ({
  ...{ id, service: 'orders', address: `http://${id}.test:80`, labels: { version: 'v2' }, weight: 1, ready: true },
  ...more,
})

const shop = fileURLToPath(new URL('../mesh/server/http/fixture.ts', import.meta.url))

describe('skerry endpoints', () => {
  test('shows processes of skerry run that were told of the registry, until they stop', async () => {
    await terminal.write(
      'shop/service.ts',
      `import { shop } from ${JSON.stringify(shop)}\nexport const service = shop()\n`,
    )
    const all = await running('run')
    const refused = await terminal.run(['run', 'shop', '--dir', 'other', '--registry', 'unix:/nowhere'])
    assert.match(refused.err, /there is no .*registry\.secret; start a registry with: skerry registry/)
    const at = ['--registry', `unix:${join(terminal.folder, 'run', 'registry.sock')}`]
    const service = terminal.start('run', 'shop', '--dir', 'run', '--processes', '2', '--json', '--frames', '0', ...at)
    const url = String((await service.fact({ kind: 'serving' })).url)
    const shown = async (count: number): Promise<Record<string, unknown>[]> => {
      for (;;) {
        const { out } = await terminal.run(['endpoints', '--dir', 'run', '--json'])
        const [one] = JSON.parse(out) as Record<string, unknown>[]
        const instances = (one?.instances ?? []) as Record<string, unknown>[]
        if (instances.length === count) return instances
      }
    }
    const both = await shown(2)
    assert.ok(both.some((one) => one.address === url))
    assert.equal(new Set(both.map(({ frames }) => frames)).size, 2)
    for (const { frames } of both) assert.match(String(frames), /^tcp:\/\/127\.0\.0\.1:\d+$/)
    service.child.kill('SIGTERM')
    assert.equal((await service.ended).exit, 0)
    await shown(0)
    await stopped(all)
  })

  test('shows what skerry run says of a process: host, labels, weight, zone, and how many there should be', async () => {
    const all = await running('said')
    const at = ['--dir', 'said', '--registry', `unix:${join(terminal.folder, 'said', 'registry.sock')}`]
    const everywhere = ['--http', '0.0.0.0:0', '--frames', '0.0.0.0:0', '--json', ...at]
    const unreachable = await terminal.run(['run', 'shop', ...everywhere])
    assert.equal(unreachable.exit, 1)
    assert.match(unreachable.err, /0\.0\.0\.0:\d+ says nothing of where others reach it.* give advertise/)
    for (const wrong of [
      ['--label', 'v2'],
      ['--weight', 'heavy'],
      ['--expected', '0'],
    ])
      assert.equal((await terminal.run(['run', 'shop', ...everywhere, ...wrong])).exit, 64)
    const told = ['--advertise', 'localhost', '--label', 'version=v2', '--label', 'disk=ssd', '--weight', '0.5']
    const service = terminal.start('run', 'shop', ...everywhere, ...told, '--zone', 'north', '--expected', '2')
    await service.fact({ kind: 'registry', state: 'joined' })
    await service.fact({ kind: 'ready' })
    const { exit, out } = await terminal.run(['endpoints', '--json', ...at])
    const [shop] = JSON.parse(out) as { expected: number; gaps: string[]; instances: Record<string, unknown>[] }[]
    assert.deepEqual([exit, shop?.expected, shop?.gaps.at(-1)], [2, 2, '1 of 2 expected is missing'])
    const [{ address, frames, labels, weight, zone } = {}] = shop?.instances ?? []
    assert.match(`${address} ${frames}`, /^http:\/\/localhost:\d+ tcp:\/\/localhost:\d+$/)
    assert.deepEqual([labels, weight, zone], [{ version: 'v2', disk: 'ssd' }, 0.5, 'north'])
    service.child.kill('SIGTERM')
    assert.equal((await service.ended).exit, 0)
    await stopped(all)
  })

  test('shows instances, ready of expected, and the load of each beside the sum', async () => {
    const all = await running('a')
    all.client.register(instance('a', { expected: 2 }), () => 6)
    all.client.register(instance('b', { expected: 2, zone: 'north' }), () => 2)
    await all.client.joined()
    const { exit, out } = await terminal.run(['endpoints', '--dir', 'a'])
    assert.equal(
      out,
      [
        'orders: 2 ready, of 2 expected; S = |V| = 2, L = Σ R = 8',
        'id\taddress\tstate\tR\tof L\tweight\tzone\tlabels',
        'a\thttp://a.test:80\tready\t6\t75 %\t1\t\tversion=v2',
        'b\thttp://b.test:80\tready\t2\t25 %\t1\tnorth\tversion=v2\n',
      ].join('\n'),
    )
    assert.equal(exit, 0)
    const [orders] = (await terminal.ask('endpoints', '--dir', 'a')) as Record<string, unknown>[]
    const { instances, ...sum } = orders ?? {}
    assert.deepEqual(sum, { service: 'orders', ready: 2, expected: 2, size: 2, load: 8, gaps: [] })
    const [first] = instances as Record<string, unknown>[]
    assert.equal(first?.share, 0.75)
    assert.equal(first?.hiddenBy, null)
    await stopped(all)
  })

  test('says what does not add up, and ends with 2', async () => {
    const all = await running('b', '--settle-seconds', '1')
    all.client.register(instance('a', { expected: 3, ready: false }))
    all.client.register(instance('s', { service: 'stock' }), () => 0)
    await all.client.joined()
    const { exit, out } = await terminal.run(['endpoints', 'orders', '--dir', 'b'])
    assert.equal(exit, 2)
    assert.match(out, /^orders: 0 ready, of 3 expected; S = \|V\| = 1, L = Σ R = 0\n/)
    for (const gap of ['2 of 3 expected are missing', 'not ready: a', 'L is too low: a says no load'])
      assert.ok(out.includes(`\n  ${gap}\n`), gap)
    assert.ok(!out.includes('stock'))
    const { exit: none, err } = await terminal.run(['endpoints', 'order', '--dir', 'b'])
    assert.equal(none, 1)
    assert.match(err, /^skerry: not_found: no service 'order'; the nearest is 'orders'/)
    await stopped(all)
  })

  test('of an empty registry are none', async () => {
    const all = await running('c')
    assert.deepEqual(await terminal.run(['endpoints', '--dir', 'c']), {
      ...{ exit: 0, err: '', out: 'no service has registered an instance\n' },
    })
    await stopped(all)
  })

  test('without a registry say so in one line', async () => {
    const none = await terminal.run(['endpoints', '--dir', 'nowhere'])
    assert.equal(none.exit, 1)
    assert.match(none.err, /^skerry: not_found: there is no nowhere\/registry\.secret; start a registry[^\n]+\n$/)
    await terminal.write('secret', 'a secret of some length')
    const gone = await terminal.run(['endpoints', '--dir', 'nowhere', '--secret-file', 'secret'])
    assert.match(gone.err, /^skerry: unavailable: registry unix:[^\n]+registry\.sock: connect ENOENT[^\n]+\n$/)
    const wrong = await terminal.run(['endpoints', '--registry', 'http://a:1', '--secret-file', 'secret'])
    assert.match(wrong.err, /^skerry: invalid_config: registry 'http:\/\/a:1': write unix:/)
  })
})

describe('skerry registry', () => {
  test('makes a secret that only its user can read, and keeps it', async () => {
    await stopped(await running('d'))
    const file = join(terminal.folder, 'd', 'registry.secret')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const before = readFileSync(file, 'utf8')
    assert.match(before, /^[0-9a-f]{64}\n$/)
    await stopped(await running('d'))
    assert.equal(readFileSync(file, 'utf8'), before)
  })

  test('refuses a wrong secret in one line on both sides', async () => {
    const all = await running('e')
    await terminal.write('other', 'another secret of some length')
    const { exit, err } = await terminal.run(['endpoints', '--dir', 'e', '--secret-file', 'other'])
    assert.equal(exit, 1)
    assert.match(
      err,
      /^skerry: unauthorized: registry unix:[^\n]+: the secret is not the one of this registry[^\n]*\n$/,
    )
    await all.registry.fact({
      kind: 'refused',
      why: 'a client on this machine: the secret is not the one of this registry',
    })
    await stopped(all)
  })

  test('refuses to run beside another one, and a certificate without its key', async () => {
    const all = await running('f')
    const { exit, err } = await terminal.run(['registry', '--dir', 'f'])
    assert.equal(exit, 1)
    assert.match(err, /^skerry: conflict: unix:[^\n]+: a registry listens there already; end it first\n$/)
    await terminal.write('cert.pem', 'x')
    const half = await terminal.run(['registry', '--dir', 'f', '--tls-cert', 'cert.pem'])
    assert.deepEqual([half.exit, half.err], [64, 'skerry: --tls-cert and --tls-key belong together\n'])
    await stopped(all)
  })
})
