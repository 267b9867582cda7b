import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const run = fileURLToPath(new URL('./crash/run.ts', import.meta.url))
const month = fileURLToPath(new URL('../examples/shop/data/online-retail-2010-12.csv.gz', import.meta.url))

test('eight processes killed one after another: nothing lost, nothing twice, no dead letter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-crash-data-'))
  try {
    const data = join(folder, 'days.csv')
    writeFileSync(data, gunzipSync(readFileSync(month)).toString().split('\n').slice(0, 3001).join('\n'))
    const printed = execFileSync(process.execPath, [run, '--kills', '8', '--seed', '7', '--data', data], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { equal, lost, duplicateEffects, deadLetters, rows } = JSON.parse(printed.trim().split('\n').at(-1) ?? '')
    assert.deepEqual(
      { equal, lost, duplicateEffects, deadLetters },
      { equal: true, lost: 0, duplicateEffects: 0, deadLetters: 0 },
    )
    assert.ok(rows >= 3000)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a wrong number of kills is refused in one line', () => {
  const { status, stderr } = spawnSync(process.execPath, [run, '--kills', 'many'], { encoding: 'utf8' })
  assert.equal(status, 64)
  assert.match(stderr, /^test:crash: --kills 'many' is not a whole number\n$/)
})
