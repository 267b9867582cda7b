import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { seededRandom } from '../src/ids.ts'
import { addressOf } from '../src/mesh/server/address.ts'
import { Health } from '../src/mesh/server/health.ts'
import { openShop } from '../src/mesh/server/http/fixture.ts'
import { openHttp } from '../src/mesh/server/http/open.ts'
import { Traffic } from '../src/mesh/server/traffic.ts'
import { systemClock } from '../src/time.ts'
import { missingProgram } from './servers/programs.ts'

// What others make of probes and metrics: the programs that will read them.

/** Checks in the three ways that HAProxy knows, and requests that go through it, on sockets of files. */
const configuration = (folder: string, port: number): string => `
global
  stats socket ${folder}/stats.sock mode 600
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
  option httpchk GET /readyz
  default-server check inter 50ms fall 1 rise 1
frontend one
  bind unix@${folder}/one.sock mode 600
  default_backend http10
frontend two
  bind unix@${folder}/two.sock mode 600
  default_backend http2
backend http10
  server a 127.0.0.1:${port}
backend http11
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr host shop
  http-check expect status 200
  server a 127.0.0.1:${port}
backend http2
  http-check send meth GET uri /readyz ver HTTP/2 hdr host shop
  server a 127.0.0.1:${port} proto h2
`

/** What it says about each way: `UP`, or `DOWN` with what it was told. */
async function states(folder: string): Promise<Record<string, string>> {
  const socket = connect(join(folder, 'stats.sock'))
  socket.end('show stat\n')
  // It listens a moment after it was started.
  if (!(await once(socket, 'connect').catch(() => false))) return {}
  const [head = '', ...rows] = (await text(socket)).trim().split('\n')
  const names = head.replace('# ', '').split(',')
  const found = rows.map((row) => {
    const cells = row.split(',')
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']))
  })
  const servers = found.filter(({ svname }) => svname === 'a')
  return Object.fromEntries(servers.map((one) => [one.pxname as string, `${one.status} ${one.check_code}`]))
}

async function until(folder: string, wanted: string): Promise<void> {
  for (;;) {
    const all = Object.values(await states(folder))
    if (all.length === 3 && all.every((one) => one === wanted)) return
  }
}

async function through(socketPath: string): Promise<number | undefined> {
  const sent = request({ socketPath, path: '/livez', headers: { host: 'shop' }, agent: false }).end()
  const [answer] = await once(sent, 'response')
  answer.resume()
  return answer.statusCode
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
}

describe('HAProxy', { skip: missingProgram('haproxy') }, () => {
  test('sends requests to a server that is ready, and to none that says no', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-haproxy-'))
    let trouble: string | undefined
    const health = new Health(() => trouble)
    const traffic = new Traffic({ clock: systemClock, random: seededRandom('haproxy') })
    const server = await openHttp({
      ...{ address: addressOf('127.0.0.1:0'), callees: [], health, clock: systemClock, traffic },
    })
    writeFileSync(join(folder, 'haproxy.cfg'), configuration(folder, Number(new URL(server.url).port)))
    const haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const ready = once(haproxy.stderr, 'data')
    try {
      await ready
      await until(folder, 'DOWN 503')
      assert.equal(await through(join(folder, 'one.sock')), 503)
      health.started()
      await until(folder, 'UP 200')
      for (const socket of ['one.sock', 'two.sock']) assert.equal(await through(join(folder, socket)), 200)
      trouble = 'the disk is full'
      await until(folder, 'DOWN 503')
      trouble = undefined
      await until(folder, 'UP 200')
      health.stopping()
      await until(folder, 'DOWN 503')
    } finally {
      await ended(haproxy)
      await server.stop(0)
      rmSync(folder, { recursive: true })
    }
  })
})

describe('promtool', { skip: missingProgram('promtool') }, () => {
  test('reads all metrics, and finds nothing to object to in ours', async () => {
    const open = await openShop()
    try {
      const post = (path: string, body: string) =>
        fetch(`${open.url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
      assert.equal((await post('/orders', '{"lines":[{"sku":"a"}]}')).status, 200)
      assert.equal((await post('/orders', '{"lines":[]}')).status, 400)
      await open.app.settled()
      const metrics = await (await fetch(`${open.url}/metrics`)).text()
      const checked = spawnSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' })
      const said = `${checked.stdout}${checked.stderr}`
      // 3 is for what it would name otherwise; the library's own metrics of the process are such.
      assert.ok(checked.status === 0 || checked.status === 3, said)
      const ours = said.split('\n').filter((line) => line.includes('skerry_'))
      assert.deepEqual(ours, [])
      for (const name of [
        'call_seconds_count',
        'http_requests_total',
        'calls_in_flight',
        'concurrency_limit',
        'shed_total',
      ])
        assert.ok(metrics.includes(`skerry_${name}`), name)
    } finally {
      await open.close()
    }
  })

  test('objects to what is no metric', () => {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: 'skerry_calls{ 1\n', encoding: 'utf8' })
    assert.equal(checked.status, 1)
  })
})
