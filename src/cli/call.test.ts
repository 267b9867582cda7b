import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Started, Terminal } from './fixture.ts'
import { httpOf } from './run.ts'

const shop = fileURLToPath(new URL('../mesh/server/http/fixture.ts', import.meta.url))

/** The service with every kind of call, as a module that exports it. */
const module = `import { shop } from ${JSON.stringify(shop)}\nexport const service = shop()\n`

describe('skerry call', () => {
  let terminal: Terminal
  let running: Started
  let url: string
  before(async () => {
    terminal = await Terminal.open()
    await terminal.write('shop/service.ts', module)
    running = terminal.start('run', 'shop', '--dir', 'a', '--json')
    url = String((await running.fact({ kind: 'serving' })).url)
    await running.fact({ kind: 'ready' })
  })
  after(async () => {
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).exit, 0)
    await terminal.close()
  })

  const call = (...args: string[]) => terminal.run(['call', ...args, '--dir', 'a'])
  const ask = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { exit, out, err } = await call(...args, '--json')
    assert.equal(exit, 0, err)
    return JSON.parse(out)
  }
  const order = '{"lines":[{"sku":"teapot"}]}'

  test('finds the service, and gives fields of the input where its route has them', async () => {
    const { id } = await ask('shop.place', order)
    assert.deepEqual(await ask('shop.view', JSON.stringify({ id })), { id, lines: [{ sku: 'teapot', n: 1 }] })
    assert.deepEqual(await ask('shop.view', JSON.stringify({ id, full: false })), { id, lines: [] })
    assert.deepEqual((await ask('shop.find', '{"tags":["x","y"]}')).tags, ['x', 'y'])
    assert.deepEqual(await ask('shop.change', '{"id":"a/b","lines":[]}'), { id: 'a/b', lines: [] })
    assert.match((await call('shop.view', '{"id":"a/b"}')).out, /^\{\n {2}"id": "a\/b",\n/)
  })

  test('a key makes one effect of two calls; other options are handed on', async () => {
    const first = await ask('shop.place', order, '--key', 'a b')
    assert.deepEqual(await ask('shop.place', order, '--key', 'a b'), first)
    assert.deepEqual(await ask('shop.secret', '--from', 'till'), {})
    const late = await call('shop.wait', '{"ms":900}', '--deadline', '20', '--at', url)
    assert.equal(late.exit, 1)
    assert.match(late.err, /^skerry: deadline_exceeded: shop\.wait: no answer before its deadline/)
  })

  test('what the service refuses is one line, exit 1', async () => {
    const line = async (...args: string[]): Promise<string> => {
      const { exit, err } = await call(...args)
      assert.equal(exit, 1)
      assert.equal(err.trim().split('\n').length, 1)
      return err
    }
    assert.match(await line('shop.place', '{}'), /^skerry: invalid_request: shop\.place: lines: /)
    assert.match(
      await line('shop.place', '{"lines":[{"sku":"gone"}]}'),
      /refused: shop\.place: soldOut \{"sku":"gone"\}/,
    )
    assert.match(await line('shop.plaec'), /not_found: no call 'shop\.plaec'; the nearest is 'shop\.place'/)
    assert.match(await line('shpo.place'), /not_found: no service 'shpo'; the nearest is 'shop'/)
    assert.match(await line('shop.find', '--at', 'http://127.0.0.1:1'), /unavailable: http:\/\/127\.0\.0\.1:1 does not/)
    assert.match(await line('shop.find', '--at', 'elsewhere'), /invalid_config: 'elsewhere' is no address/)
  })

  test('a field that stands in the path must be given: nothing is asked for by the name of undefined', async () => {
    const { exit, err } = await call('shop.change', '{"lines":[]}')
    assert.equal(exit, 1)
    assert.match(err, /^skerry: invalid_request: shop\.change: 'id' stands in its path, and '' cannot/)
  })

  test('a wrong command line is told as such', async () => {
    assert.equal((await call('place')).exit, 64)
    assert.equal((await call('shop.place', '{')).exit, 64)
    assert.equal((await terminal.run(['run', 'shop', '--dir', 'a', '--http', 'nowhere'])).exit, 64)
  })

  test('several processes share a port that is given, and take free ones otherwise', async () => {
    const urlsWith = async (dir: string, address: string): Promise<string[]> => {
      const args = ['--dir', dir, '--json', '--processes', '2', '--http', address]
      const parent = terminal.start('run', 'shop', ...args)
      await parent.fact({ kind: 'ready' }, 2)
      const urls = parent.facts.filter(({ kind }) => kind === 'serving').map((fact) => String(fact.url))
      for (const at of urls) await ask('shop.find', '--at', at)
      parent.child.kill('SIGTERM')
      assert.equal((await parent.ended).exit, 0)
      return urls
    }
    const free = await urlsWith('b', '127.0.0.1:0')
    assert.equal(new Set(free).size, 2)
    const [port = ''] = free.map((one) => new URL(one).port)
    assert.deepEqual(await urlsWith('c', port), [`http://127.0.0.1:${port}`, `http://127.0.0.1:${port}`])
  })
})

test('calls are served where there are some, or where an address is given', () => {
  const some = [{ calls: new Map([['a', {}]]) }] as never
  const none = [{ calls: new Map() }] as never
  assert.equal(httpOf({}, some), '127.0.0.1:0')
  assert.equal(httpOf({}, none), undefined)
  assert.equal(httpOf({ http: '80' }, none), '80')
  assert.equal(httpOf({ http: 'off' }, some), undefined)
})
