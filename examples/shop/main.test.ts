import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { filesOf } from './books.ts'
import { fold } from './fold.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const month = gunzipSync(readFileSync(new URL('./data/online-retail-2010-12.csv.gz', import.meta.url))).toString()

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function folderWith(t: TestContext, rows: number, ...more: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'shop-main-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data.csv')
  const text = `${month
    .split('\n')
    .slice(0, rows + 1)
    .join('\n')}\n`
  writeFileSync(data, text + more.map((line) => `${line}\n`).join(''))
  return { data, out: join(folder, 'out') }
}

function begin(...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [main, ...args])
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text) => (stdout += text))
  child.stderr.on('data', (text) => (stderr += text))
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
  return { child, ended }
}

async function assertFilesEqual(out: string, data: string): Promise<void> {
  for (const [name, text] of filesOf((await fold(data)).books))
    assert.equal(readFileSync(join(out, name), 'utf8'), text, name)
}

/** Processes of one parent, where the system shows them. */
function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`
  return existsSync(path) ? readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number) : []
}

test('a run ends equal, writes the three files, and says what it came to in its last line', async (t) => {
  const { data, out } = folderWith(t, 1500)
  const { code, stdout, stderr } = await begin('--data', data, '--out', out, '--json').ended
  assert.equal(code, 0, stderr)
  assert.equal(stderr, '')
  await assertFilesEqual(out, data)
  assert.deepEqual(readdirSync(out).sort(), ['by-customer.csv', 'by-day.csv', 'by-stockcode.csv', 'finished', 'state'])
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  assert.deepEqual(Object.keys(summary), [
    ...['rows', 'invoices', 'cancellations', 'adjustments', 'customers', 'netValue', 'eventsPublished'],
    ...['eventsHandled', 'lost', 'duplicateEffects', 'deadLetters', 'elapsedMs', 'eventsPerSecond'],
    ...['publishToCommitMs', 'maxRssMb', 'equal'],
  ])
  const { rows, invoices, lost, duplicateEffects, deadLetters, equal, publishToCommitMs } = summary
  assert.deepEqual({ rows, lost, duplicateEffects, deadLetters, equal }, { ...none, rows: 1500, equal: true })
  assert.equal(invoices, (await fold(data)).books.invoices)
  assert.ok(publishToCommitMs.p50 > 0 && publishToCommitMs.max >= publishToCommitMs.p99)
})
const none = { lost: 0, duplicateEffects: 0, deadLetters: 0 }

test('malformed rows are rejected with their lines, the rest is equal, and the exit code is 2', async (t) => {
  const { data, out } = folderWith(
    t,
    20,
    '536366,22633,"never closed,6,2010-12-01 08:28:00,1.85,17850.0,United Kingdom',
  )
  const first = await begin('--data', data, '--out', out).ended
  assert.equal(first.code, 2, first.stderr)
  assert.equal(readFileSync(join(out, 'rejected.csv'), 'utf8'), 'Line,Reason\n22,quote never closed\n')
  assert.match(first.stderr, /^shop: rows rejected: 1, see .*rejected\.csv\n$/)
  await assertFilesEqual(out, data)
  const clean = folderWith(t, 20)
  assert.equal((await begin('--data', clean.data, '--out', out).ended).code, 0)
  assert.ok(!existsSync(join(out, 'rejected.csv')))
})

test('what cannot be done is said in one line', async (t) => {
  const { data, out } = folderWith(t, 1)
  const unknown = await begin('--proceses', '2').ended
  assert.equal(unknown.code, 64)
  assert.equal(unknown.stderr, "shop: unknown option '--proceses'; did you mean '--processes'?\n")
  const absent = await begin('--data', join(out, 'absent.csv'), '--out', out).ended
  assert.equal(absent.code, 1)
  assert.match(absent.stderr, /^shop: ENOENT.*absent\.csv'\n$/)
  writeFileSync(data, 'a,b\n')
  const other = await begin('--data', data, '--out', out).ended
  assert.match(other.stderr, /^shop: .*data\.csv: its first line is not InvoiceNo/)
})

for (const processes of [1, 3])
  test(`a run that is killed is continued by the same command, in ${processes} processes`, async (t) => {
    const { data, out } = folderWith(t, 6000)
    const args = ['--data', data, '--out', out, '--processes', String(processes)]
    const first = begin(...args)
    while (!existsSync(join(out, 'state', 'ledger.db'))) await pause(20)
    await pause(300)
    const victims = [first.child.pid ?? 0, ...childrenOf(first.child.pid ?? 0)]
    for (const pid of victims) process.kill(pid, 'SIGKILL')
    await first.ended
    assert.ok(!existsSync(join(out, 'finished')))
    const second = await begin(...args).ended
    assert.equal(second.code, 0, second.stderr)
    assert.match(second.stderr, /^shop: continues the run in/)
    await assertFilesEqual(out, data)
  })

test('service processes that are killed or stopped are replaced', async (t) => {
  const { data, out } = folderWith(t, 6000)
  const run = begin('--data', data, '--out', out, '--processes', '4')
  const pid = run.child.pid ?? 0
  if (childrenOf(process.pid).length === 0) return t.skip('this system does not show the children of a process')
  while (!existsSync(join(out, 'state', 'ledger.db'))) await pause(20)
  const [one, other] = childrenOf(pid)
  process.kill(one ?? 0, 'SIGKILL')
  process.kill(other ?? 0, 'SIGSTOP')
  const { code, stderr } = await run.ended
  assert.equal(code, 0, stderr)
  await assertFilesEqual(out, data)
})

test('SIGTERM ends all processes, and the run can be continued', async (t) => {
  const { data, out } = folderWith(t, 6000)
  const args = ['--data', data, '--out', out, '--processes', '2']
  const run = begin(...args)
  while (!existsSync(join(out, 'state', 'ledger.db'))) await pause(20)
  const children = childrenOf(run.child.pid ?? 0)
  run.child.kill('SIGTERM')
  const { code, stderr } = await run.ended
  assert.equal(code, 143, stderr)
  for (const pid of children) assert.throws(() => process.kill(pid, 0), /ESRCH/)
  assert.equal((await begin(...args).ended).code, 0)
  await assertFilesEqual(out, data)
})
