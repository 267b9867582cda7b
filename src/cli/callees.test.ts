import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { givenCallees } from './callees.ts'
import { type Started, Terminal } from './fixture.ts'

const library = new URL(`../index${import.meta.url.slice(-3)}`, import.meta.url).href
const zod = import.meta.resolve('zod')

const contracts = `
import { call, contract, service } from '${library}'
import { z } from '${zod}'
const who = { input: z.object({}), output: z.object({ by: z.int() }) }
export const Bank = contract('bank', { events: {}, calls: { who: call({ ...who, http: 'GET /who' }) } })
export const Till = contract('till', { events: {}, calls: { ask: call({ ...who, idempotent: true }) } })
`
/** Says which process it is. */
const bank = `${contracts}
export const bank = service(Bank).serve(Bank.who, async () => ({ by: process.pid }))
`
/** Hands on what a bank says. */
const till = `${contracts}
export const till = service(Till, { calls: [Bank] }).serve(Till.ask, {
  prepare: (ctx) => ctx.call(Bank.who, {}),
  handle: (_tx, _request, answer) => answer,
})
`

describe('skerry run finds services that its handlers call', () => {
  let terminal: Terminal
  const banks: { service: Started; http: string; frames: string }[] = []
  before(async () => {
    terminal = await Terminal.open()
    await terminal.write('bank.ts', bank)
    await terminal.write('till.ts', till)
    for (const dir of ['one', 'two']) {
      const service = terminal.start('run', 'bank.ts', '--dir', dir, '--json', '--frames', '0')
      const [http, frames] = [await service.fact({ kind: 'serving' }), await service.fact({ kind: 'serving' }, 2)]
      banks.push({ service, http: String(http.url), frames: String(frames.url) })
    }
  })
  afterEach(() => {
    delete terminal.env.SKERRY_CALLEES
  })
  after(async () => {
    for (const { service } of banks) service.child.kill('SIGTERM')
    for (const { service } of banks) assert.equal((await service.ended).exit, 0)
    await terminal.close()
  })

  /** Those who answered the till's handler, asked until it were so many. */
  async function answering(wanted: number, ...args: string[]): Promise<Set<number>> {
    const service = terminal.start('run', 'till.ts', '--dir', 'till', '--json', ...args)
    const { url } = await service.fact({ kind: 'serving' })
    await service.fact({ kind: 'ready' })
    const seen = new Set<number>()
    while (seen.size < wanted) {
      const answer = await fetch(`${url}/till/ask`, { method: 'POST', body: '{}', headers: json })
      const { by, ...rest } = (await answer.json()) as { by: number }
      assert.deepEqual([answer.status, rest], [200, {}])
      seen.add(by)
    }
    service.child.kill('SIGTERM')
    assert.equal((await service.ended).exit, 0)
    return seen
  }
  const json = { 'content-type': 'application/json' }
  const pids = (): Set<number> => new Set(banks.map(({ service }) => Number(service.child.pid)))

  test('at all addresses that --callee gives, over HTTP and by frames', async () => {
    const [one, two] = banks as [(typeof banks)[0], (typeof banks)[0]]
    assert.deepEqual(await answering(2, '--callee', `bank=${one.http}`, '--callee', `bank=${two.frames}`), pids())
    // Nobody listens there: only frames can answer.
    const nowhere = 'http://127.0.0.1:1'
    const ofOne = new Set([Number(one.service.child.pid)])
    assert.deepEqual(await answering(1, '--callee', `bank=${nowhere},${one.frames}`), ofOne)
  })

  test('at those of SKERRY_CALLEES, unless --callee gives others; also in several processes', async () => {
    const [one, two] = banks as [(typeof banks)[0], (typeof banks)[0]]
    terminal.env.SKERRY_CALLEES = ` bank=${one.http}\tbank=${two.http},${two.frames} stock=http://stock.internal `
    assert.deepEqual(await answering(2, '--processes', '2'), pids())
    const ofTwo = new Set([Number(two.service.child.pid)])
    assert.deepEqual(await answering(1, '--callee', `bank=${two.frames}`), ofTwo)
  })

  test('and says so before it starts where nothing tells where they are', async () => {
    const { exit, err } = await terminal.run(['run', 'till.ts', '--dir', 'till'])
    assert.equal(exit, 1)
    assert.match(err, /^skerry: invalid_config: till calls bank, [^\n]+ --callee bank=http:\/\/…\n$/)
  })

  test('what is no address is refused in one line that shows one', async () => {
    for (const wrong of ['bank', 'bank=', '=http://a', 'bank=orders:80', 'bank=grpc://a:1', 'bank=http://a,http://b']) {
      const { exit, err } = await terminal.run(['run', 'till.ts', '--dir', 'till', '--callee', wrong])
      assert.equal(exit, 64)
      assert.ok(err.startsWith(`skerry: --callee ${wrong}: write orders=http://10.0.0.7:8080 `), err)
      assert.match(err, /^[^\n]+ orders=http:\/\/10\.0\.0\.7:8080,tcp:\/\/10\.0\.0\.7:7001\n$/)
    }
    terminal.env.SKERRY_CALLEES = 'bank=http://a stock:http://b'
    const { exit, err } = await terminal.run(['run', 'till.ts', '--dir', 'till', '--processes', '2'])
    assert.equal(exit, 64)
    assert.match(err, /^skerry: SKERRY_CALLEES: stock:http:\/\/b: write [^\n]+\n$/)
    const twice = ['--callee', 'bank=http://a', '--callee', 'bank=http://a']
    const same = await terminal.run(['run', 'till.ts', '--dir', 'till', ...twice])
    assert.match(
      same.err,
      /^skerry: invalid_config: bank\[1\]: another one has the address http:\/\/a; list it once\n$/,
    )
  })
})

test('sockets may have any name, and what is empty says nothing', () => {
  const frames = 'tls://[::1]:7001'
  assert.deepEqual(givenCallees({ callee: `a=unix:/run/a b,c.sock\nb=https://b/,${frames}\na=tcp://a:1` }), {
    a: ['unix:/run/a b,c.sock', 'tcp://a:1'],
    b: [{ address: 'https://b/', frames }],
  })
  assert.equal(givenCallees({}), undefined)
})
