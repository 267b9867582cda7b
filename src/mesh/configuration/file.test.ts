import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { SkerryError } from '../../errors.ts'
import { request } from '../routing/fixture.ts'
import { decideRoute } from '../routing/table.ts'
import { clientRules, loadRules } from './load.ts'

const dir = mkdtempSync(join(tmpdir(), 'skerry-rules-'))
after(() => rmSync(dir, { recursive: true }))

function fileOf(text: string, name = 'mesh.yaml'): string {
  const file = join(dir, name)
  writeFileSync(file, text)
  return file
}

/** The lines of what is wrong, without the folder. */
function problems(text: string, name?: string): string[] {
  try {
    loadRules(fileOf(text, name))
    return []
  } catch (error) {
    assert.ok(error instanceof SkerryError && error.code === 'invalid_config', String(error))
    return error.message.replaceAll(`${dir}/`, '').split('\n')
  }
}

const istio = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: orders }
spec:
  hosts: [orders]
  http:
    - name: canary
      match: [{ headers: { x-canary: { exact: "yes" } } }]
      route: [{ destination: { host: orders, subset: v2 } }]
      timeout: 1.5s
    - route: [{ destination: { host: orders, subset: v1 } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
spec:
  host: orders
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
---
policies:
  - host: '*'
    hedging: true
`

describe('a file of rules', () => {
  test("is Istio's documents, and our own", () => {
    const { routes, destinations, policies } = loadRules(fileOf(istio))
    assert.deepEqual([routes.length, destinations.length, policies.length], [1, 1, 1])
    const rules = clientRules(fileOf(istio))
    const table = rules.routes?.get('orders') ?? []
    const decision = decideRoute(table, request('/', { headers: { 'x-canary': 'yes' } }), () => 0)
    assert.ok(decision?.kind === 'forward')
    assert.deepEqual([decision.destination.subset, decision.timeoutMs, decision.route], ['v2', 1500, 'canary'])
    assert.equal(rules.routes?.get('stock'), undefined)
    assert.equal(rules.policies?.get('stock')?.settings.hedging?.requests, 2)
  })

  test('is JSON as well, and says the same as code does', () => {
    const route = { hosts: ['orders'], http: [{ route: [{ destination: { host: 'orders' } }], timeout: 250 }] }
    const rules = { routes: [route], policies: [{ host: 'orders', balancing: 'random' as const }] }
    assert.deepEqual(loadRules(fileOf(JSON.stringify(rules, undefined, 2), 'mesh.json')), loadRules(rules))
  })

  test('may be empty', () => {
    assert.deepEqual(loadRules(fileOf('# nothing yet\n')), { routes: [], destinations: [], policies: [] })
    assert.deepEqual(problems('routes:\npolicies: []\n'), [])
  })

  test('that is wrong is told with file, line, column and field, every problem at once', () => {
    const text = `routes:
  - hosts: [orders]
    http:
      - match:
          - uri: { prefx: /a }
        route:
          - destination: { host: orders, subset: v3 }
        timout: 1s
policies:
  - host: orders
    retry: { retries: many }
    hedging.with.dots: 1
`
    assert.deepEqual(problems(text), [
      "mesh.yaml:5:20: routes[0].http[0].match[0].uri.prefx unknown field 'prefx'; did you mean 'prefix'?",
      "mesh.yaml:8:9: routes[0].http[0].timout unknown field 'timout'; did you mean 'timeout'?",
      'mesh.yaml:11:14: policies[0].retry.retries must be a whole number, not "many"',
      "mesh.yaml:12:5: policies[0].hedging.with.dots unknown field 'hedging.with.dots'; did you mean 'hedging'?",
    ])
  })

  test('and in Istio documents, too, each by its own place', () => {
    const text = istio
      .replace('subset: v2 }', 'subset: v9 }')
      .replace('host: orders\n  traffic', 'host: orders\n  traffic')
    assert.deepEqual(problems(text), [
      "mesh.yaml:10:46: spec.http[0].route[0].destination.subset unknown subset 'v9'; did you mean 'v1'? (of 'orders')",
    ])
    const kind = problems('kind: VirtualServce\nspec: {}\n')
    assert.deepEqual(kind, ["mesh.yaml:1:1: kind unknown kind 'VirtualServce'; did you mean 'VirtualService'?"])
    assert.deepEqual(problems('rutes: []\n'), ["mesh.yaml:1:1: rutes unknown field 'rutes'; did you mean 'routes'?"])
    assert.deepEqual(problems('- a\n'), ['mesh.yaml:1:1: must be an object'])
    assert.deepEqual(problems('routes: 7\n'), ['mesh.yaml:1:1: routes must be a list'])
    assert.match(
      problems('policies:\n  - host: a\n  - { host: a }\n')[0] ?? '',
      /^mesh\.yaml:3:7: policies\[1\]\.host there is another one for 'a'/,
    )
  })

  test('that is no YAML is told where it ceases to be', () => {
    assert.match(problems('routes: [\n  a: {\n')[0] ?? '', /^mesh\.yaml:3:1: /)
    assert.match(problems('a: 1\na: 2\n')[0] ?? '', /^mesh\.yaml:2:1: .*unique/)
  })

  test('that is not there is named', () => {
    assert.throws(() => loadRules(join(dir, 'none.yaml')), {
      code: 'invalid_config',
      message: /none\.yaml: cannot be read/,
    })
  })

  test('aliases without end are refused', () => {
    const bomb = `a: &a [x, x]\n${'bcdefghijklmnop'
      .split('')
      .map((c, i) => `${c}: &${c} [*${'abcdefghijklmno'[i]}, *${'abcdefghijklmno'[i]}]`)
      .join('\n')}\n`
    assert.match(problems(bomb)[0] ?? '', /^mesh\.yaml:1:1: Excessive alias count/)
  })
})

test('rules in code are told with the paths of their fields', () => {
  const given = { policies: [{ host: 'a', panicShare: 3 }], routes: [{ hosts: ['b'], http: [] }] }
  assert.throws(() => loadRules(given), {
    code: 'invalid_config',
    message: 'rules: routes[0].http at least one route is required\nrules: policies[0].panicShare 3 is not within 0–1',
  })
})
