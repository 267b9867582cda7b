import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { seededRandom } from '../ids.ts'
import { RegistryDiscovery } from '../mesh/discovery/registry/client.ts'
import { openShop } from '../mesh/server/http/fixture.ts'
import { systemClock } from '../time.ts'
import { Terminal } from './fixture.ts'

const rules = `
routes:
  - hosts: [orders]
    http:
      - name: canary
        match:
          - headers: { x-canary: { exact: 'yes' } }
            method: { exact: POST }
        route: [{ destination: { host: orders, subset: v2 } }]
        timeout: 1.5s
        retries: { attempts: 1 }
      - name: old
        match: [{ uri: { prefix: /v0/ } }]
        redirect: { uri: /orders }
      - route:
          - { destination: { host: orders, subset: v1 }, weight: 3 }
          - { destination: { host: orders, subset: v2 }, weight: 1 }
        mirror: { host: audit }
destinations:
  - host: orders
    subsets:
      - { name: v1, labels: { version: v1 } }
      - { name: v2, labels: { version: v2 } }
policies:
  - { host: stock, retry: { retries: 0 } }
`

let terminal: Terminal
before(async () => {
  terminal = await Terminal.open()
  await terminal.write('mesh.yaml', rules)
})
after(() => terminal.close())

describe('skerry routes', () => {
  test('says which lines are never reached, and why', async () => {
    const http = `{ match: [{ uri: { prefix: /v1 } }], route: &to [{ destination: { host: orders } }] }`
    const behind = `{ match: [{ uri: { exact: /v2 } }, { uri: { exact: /v1/old } }], route: *to }`
    await terminal.write('behind.yaml', `routes:\n  - hosts: [orders]\n    http:\n      - ${http}\n      - ${behind}\n`)
    const { exit, err } = await terminal.run(['routes', '--file', 'behind.yaml'])
    assert.deepEqual(
      [exit, err],
      [0, "skerry: orders: line 3 (uri '/v1/old') is never reached: line 1 takes all of it\n"],
    )
    const [orders] = (await terminal.ask('routes', '--file', 'behind.yaml')) as { routes: { behind: unknown }[] }[]
    assert.deepEqual(
      orders?.routes.map(({ behind }) => behind),
      [null, null, 1],
    )
  })

  test('shows the tables that apply, line by line as they are tried', async () => {
    const { exit, out } = await terminal.run(['routes', '--file', 'mesh.yaml'])
    assert.deepEqual(out.split('\n'), [
      'service\tmatch\tdestination\tsubset\tweight\ttimeout\tretries',
      "orders\tmethod 'POST' and header x-canary 'yes'\torders\tv2\t100 %\t1500 ms\t1",
      "orders\turi prefix '/v0/'\tredirect\t\t\t\t2",
      'orders\teverything\torders\tv1\t75 %\t\t2',
      'orders\teverything\torders\tv2\t25 %\t\t2',
      'stock\teverything\tstock\t\t100 %\t\t0',
      '',
    ])
    assert.equal(exit, 0)
    const mistyped = await terminal.run(['routes', 'order', '--file', 'mesh.yaml'])
    assert.match(mistyped.err, /^skerry: nothing is said of 'order', .*; the nearest is 'orders'\n$/)
    const none = await terminal.run(['routes'])
    assert.match(none.out, /no service is named by rules/)
  })

  test('counts with a registry who is ready behind each line, and shows services without rules', async () => {
    const registry = terminal.start('registry', '--dir', 'a', '--json')
    const { address } = await registry.fact({ kind: 'ready' })
    const secret = readFileSync(join(terminal.folder, 'a', 'registry.secret'), 'utf8').trim()
    const client = new RegistryDiscovery({
      ...{ clock: systemClock, random: seededRandom('client'), address: String(address), secret },
    })
    for (const [id, service, version, ready] of [
      ['a', 'orders', 'v1', true],
      ['b', 'orders', 'v1', false],
      ['c', 'orders', 'v2', true],
      ['d', 'audit', 'v1', true],
    ] as const)
      client.register({ id, service, address: `http://${id}.test:80`, labels: { version }, weight: 1, ready })
    await client.joined()
    const at = ['--registry', String(address), '--dir', 'a']
    const { out } = await terminal.run(['routes', '--file', 'mesh.yaml', '--json', ...at])
    const tables = JSON.parse(out) as { service: string; routes: { targets: { ready: number; subset?: string }[] }[] }[]
    assert.deepEqual(
      tables.map(({ service, routes }) => [
        service,
        routes.map((r) => r.targets.map((t) => [t.subset ?? '', t.ready])),
      ]),
      [
        ['audit', [[['', 1]]]],
        [
          'orders',
          [
            [['v2', 1]],
            [],
            [
              ['v1', 1],
              ['v2', 1],
            ],
          ],
        ],
        ['stock', [[['', 0]]]],
      ],
    )
    await client.close()
    registry.child.kill('SIGTERM')
    assert.equal((await registry.ended).exit, 0)
  })

  test('of a file that is wrong tells line and field', async () => {
    await terminal.write('wrong.yaml', 'routes:\n  - hosts: [orders]\n    htp: []\n')
    const { exit, err } = await terminal.run(['routes', '--file', 'wrong.yaml'])
    assert.match(err, /wrong\.yaml:3:5: routes\[0\]\.htp unknown field 'htp'; did you mean 'http'\?/)
    assert.notEqual(exit, 0)
    assert.match((await terminal.run(['routes', '--file', 'none.yaml'])).err, /there is no file none\.yaml/)
  })
})

describe('skerry routes test', () => {
  const ask = (...args: string[]) => terminal.run(['routes', 'test', ...args, '--file', 'mesh.yaml'])

  test('says which route a request takes, and why not those before it', async () => {
    const canary = await ask('orders.place', '--header', 'X-Canary: yes', '--header', 'accept: x')
    assert.equal(canary.exit, 0)
    assert.deepEqual(canary.out.split('\n'), [
      'POST /orders/place of orders',
      "  canary: method 'POST' and header x-canary 'yes'",
      '    → orders/v2 100 %',
      '    timeout 1500 ms',
      '    1 retries',
      '',
    ])
    const usual = await ask('orders', '--path', '/orders/7?full=1')
    assert.deepEqual(usual.out.split('\n'), [
      'GET /orders/7?full=1 of orders',
      "  canary: no, not method 'POST'",
      "  old: no, not uri prefix '/v0/'",
      '  route 3: takes everything',
      '    → orders/v1 75 %',
      '    → orders/v2 25 %',
      '    also: mirror',
      '',
    ])
    const data = JSON.parse((await ask('orders', '--path', '/v0/x', '--json')).out)
    assert.deepEqual(
      [data.route.name, data.route.action, data.considered[0].missed],
      ['old', 'redirect', "not method 'POST'"],
    )
  })

  test('says so, and exits with 2, where none does', async () => {
    await terminal.write(
      'narrow.yaml',
      'routes:\n  - hosts: [a]\n    http: [{ match: [{ sourceLabels: { app: web } }], route: [{ destination: { host: a } }] }]\n',
    )
    const found = await terminal.run(['routes', 'test', 'a', '--file', 'narrow.yaml'])
    assert.match(found.out, /no, it is for other callers: source app=web\n {2}no route matches: callers get 404/)
    assert.equal(found.exit, 2)
    assert.equal((await terminal.run(['routes', 'test', 'a', '--from', 'app=web', '--file', 'narrow.yaml'])).exit, 0)
  })

  test('asks a service for method and path of a call, where it may', async () => {
    const open = await openShop()
    const { out } = await terminal.run(['routes', 'test', 'shop.place', '--at', open.url])
    assert.match(out, /^POST \/orders of shop\n {2}route 1: takes everything\n {4}→ shop 100 %\n$/)
    const view = await terminal.run(['routes', 'test', 'shop.view', '--at', open.url, '--path', '/orders/7'])
    assert.match(view.out, /^GET \/orders\/7 of shop\n/)
    assert.match(
      (await terminal.run(['routes', 'test', 'shop.plaice', '--at', open.url])).err,
      /nearest is 'shop\.place'/,
    )
    await open.close()
  })

  test('refuses what is no request', async () => {
    assert.match((await ask('a.b.c')).err, /'a\.b\.c' is no service or call/)
    assert.match((await ask('orders', '--path', 'x')).err, /--path x: it begins with \//)
    assert.match((await ask('orders', '--header', 'x')).err, /--header: write 'NAME: VALUE', not 'x'/)
  })
})
