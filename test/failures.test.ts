import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const reporter = new URL('./failures.ts', import.meta.url).href

test('only failures are told, each with its error and what its file printed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-failures-'))
  try {
    const file = join(folder, 'some.test.mjs')
    writeFileSync(
      file,
      `import { test } from 'node:test'
       import assert from 'node:assert/strict'
       test('good', () => { console.error('from some.test') })
       test('parent', async (t) => { await t.test('child', () => assert.deepEqual({ lost: 1 }, { lost: 0 })) })`,
    )
    const { stdout, status } = spawnSync(
      process.execPath,
      ['--test', `--test-reporter=${reporter}`, '--test-reporter-destination=stdout', file],
      { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
    )
    assert.equal(status, 1)
    assert.match(stdout, /^✖ child\n {2}.*some\.test\.mjs:4\n/)
    assert.match(stdout, /lost: 1/)
    assert.match(stdout, /printed:\n {2}from some\.test\n$/)
    assert.doesNotMatch(stdout, /good|parent/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
