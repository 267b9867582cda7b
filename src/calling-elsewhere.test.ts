import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { z } from 'zod'
import { makeCertificates } from '../test/servers/certificates.ts'
import { missingProgram } from '../test/servers/programs.ts'
import { call } from './call.ts'
import { contract } from './contract.ts'
import { service } from './service.ts'
import { start } from './start.ts'

const Bank = contract('bank', {
  events: {},
  calls: {
    who: call({ http: 'GET /who', input: z.object({}), output: z.object({ by: z.string() }), deadlineMs: 5000 }),
  },
})
const Shop = contract('shop', {
  events: {},
  calls: { ask: call({ input: z.object({}), output: z.object({ by: z.string() }), deadlineMs: 5000 }) },
})

function bank(by: string) {
  const self = service(Bank)
  return self.serve(Bank.who, async () => ({ by }))
}

function shop() {
  const self = service(Shop)
  return self.serve(Shop.ask, {
    prepare: (ctx) => ctx.call(Bank.who, {}),
    handle: (_tx, _request, answer) => answer,
  })
}

describe('handlers that call services elsewhere', () => {
  const dir = mkdtempSync(join(tmpdir(), 'skerry-elsewhere-'))
  after(() => rmSync(dir, { recursive: true }))

  test('go by rules of a file, by frames and within TLS', { skip: missingProgram('openssl') }, async () => {
    const made = makeCertificates(dir)
    const [ca, cert, key] = [made.ca, made.server.cert, made.server.key].map((file) => readFileSync(file)) as [
      Buffer,
      Buffer,
      Buffer,
    ]
    const [clientCert, clientKey] = [readFileSync(made.client.cert), readFileSync(made.client.key)]
    const banks = await Promise.all(
      ['v1', 'v2'].map((by) =>
        start([bank(by)], { dir: join(dir, by), http: '0', frames: '0', tls: { cert, key, ca } }),
      ),
    )
    const rules = join(dir, 'mesh.yaml')
    writeFileSync(
      rules,
      `destinations:
  - { host: bank, subsets: [{ name: next, labels: { version: v2 } }] }
routes:
  - hosts: [bank]
    http: [{ route: [{ destination: { host: bank, subset: next } }] }]
`,
    )
    const listed = banks.map((app, n) => ({
      // Nobody listens there: it can only be answered by frames.
      ...{ address: `https://127.0.0.${n + 1}:1`, frames: app.framesUrl as string },
      labels: { version: `v${n + 1}` },
    }))
    const tls = { ca, cert: clientCert, key: clientKey }
    const app = await start([shop()], { dir: join(dir, 'shop'), callees: { at: { bank: listed }, rules, tls } })
    for (let n = 0; n < 5; n++) assert.deepEqual(await app.call(Shop.ask, {}), { by: 'v2' })
    await app.stop()
    for (const one of banks) await one.stop()
  })

  test('are counted in the metrics of their process, with parts that sum to the whole', async () => {
    const one = await start([bank('v1')], { dir: join(dir, 'counted'), http: '0' })
    const at = { bank: [one.url as string] }
    const app = await start([shop()], { dir: join(dir, 'counting'), http: '0', callees: { at } })
    for (let n = 0; n < 3; n++) await app.call(Shop.ask, {})
    await one.stop()
    await assert.rejects(app.call(Shop.ask, {}), { code: 'unavailable' })
    const text = await (await fetch(`${app.url}/metrics`)).text()
    const shown = (name: string, labels: string): number =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name}{service="bank",${labels}} `))
          ?.split(' ')[1],
      )
    const outgoing = 'skerry_outgoing_call_seconds'
    assert.equal(shown(`${outgoing}_count`, 'outcome="answered"'), 3)
    assert.equal(shown(`${outgoing}_count`, 'outcome="lost"'), 1)
    const parts = ['request', 'response', 'network'].map((part) =>
      shown('skerry_outgoing_call_part_seconds_sum', `part="${part}"`),
    )
    const whole = shown(`${outgoing}_sum`, 'outcome="answered"') + shown(`${outgoing}_sum`, 'outcome="lost"')
    assert.ok(Math.abs(parts.reduce((a, b) => a + b, 0) - whole) < 1e-9, `${parts} are not ${whole}`)
    await app.stop()
  })

  test('are not started with rules that are wrong', async () => {
    const file = join(dir, 'wrong.yaml')
    writeFileSync(file, 'policies:\n  - { host: bank, panicShare: 2 }\n')
    const callees = { at: { bank: ['http://127.0.0.1:1'] }, rules: file }
    await assert.rejects(start([shop()], { dir: join(dir, 'none'), callees }), {
      code: 'invalid_config',
      message: `${file}:2:19: policies[0].panicShare 2 is not within 0–1`,
    })
  })
})
