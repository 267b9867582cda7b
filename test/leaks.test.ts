import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'skerry-leaks-'))
after(() => rmSync(folder, { recursive: true }))

/** Runs one test file as scripts/test.ts would, and returns its exit code and output. */
function run(name: string, body: string): Promise<{ failed: boolean; output: string }> {
  const file = join(folder, `${name}.test.mjs`)
  writeFileSync(
    file,
    `import { test } from 'node:test'
     import { spawn } from 'node:child_process'
     import net from 'node:net'
     import { Worker } from 'node:worker_threads'
     test('passes', async (t) => { ${body} })`,
  )
  const preload = new URL('./leaks.ts', import.meta.url).href
  const env = { ...process.env }
  delete env.NODE_TEST_CONTEXT
  const args = ['--import', preload, '--test-force-exit', '--test', file]
  return new Promise((resolve) =>
    execFile(process.execPath, args, { env, timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    ),
  )
}

const planted: [what: string, body: string, named: RegExp][] = [
  ['a timer', 'setInterval(() => {}, 1000)', /left alive after the last test: Timeout/],
  ['a server', 'await new Promise((r) => net.createServer().listen(0, r))', /left alive .*TCPServerWrap/],
  ['a socket', 'const [a] = await pair(); globalThis.a = a', /left alive .*TCPSocketWrap/],
  ['a worker', 'new Worker("setInterval(() => {}, 1000)", { eval: true })', /left alive .*Worker/],
  ['a child process', 'spawn("sleep", ["5"])', /left alive .*ProcessWrap/],
]

const pair = `const pair = () => new Promise((resolve) => {
  const server = net.createServer((b) => { server.close(); resolve([a, b]) }).listen(0, () => { a = net.connect(server.address().port) })
  let a
});`

describe('a test process that leaves something alive fails, and says what', { concurrency: true }, () => {
  for (const [what, body, named] of planted)
    test(what, async () => {
      const { failed, output } = await run(what.replaceAll(' ', '-'), body.includes('pair') ? pair + body : body)
      assert.ok(failed)
      assert.match(output, named)
    })

  test('an unreferenced child process', { skip: process.platform !== 'linux' }, async () => {
    const { failed, output } = await run(
      'unreferenced',
      'spawn("sleep", ["5"], { detached: true, stdio: "ignore" }).unref()',
    )
    assert.ok(failed)
    assert.match(output, /left alive .*process \d+ \(sleep 5\)/)
  })
})

test('a test process that cleans up passes', async () => {
  const { failed, output } = await run(
    'clean',
    `const server = net.createServer(); await new Promise((r) => server.listen(0, r)); server.close()
     const child = spawn('sleep', ['5']); child.kill()
     setTimeout(() => {}, 100)
     setInterval(() => {}, 1000).unref()
     console.log('text')`,
  )
  assert.ok(!failed, output)
})
