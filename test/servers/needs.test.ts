import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const needs = JSON.stringify(new URL('needs.ts', import.meta.url))

/** What `missing('kafka')` says, or throws, on a machine that has no program on its path. */
function onBareMachine(wanted: string): string {
  const program = `import(${needs}).then(({ missing }) => missing('kafka')).catch(({ message }) => 'refused: ' + message).then(console.log)`
  const env = { PATH: '/nowhere', SKERRY_TEST_SERVERS: wanted }
  return spawnSync(process.execPath, ['--no-warnings', '-e', program], { env, encoding: 'utf8' }).stdout.trim()
}

const remedy = /kafka missing; apt-get install default-jre-headless maven/

test('tests on a server that is missing are skipped, in one line that says how to get it', () => {
  assert.match(onBareMachine(''), remedy)
  assert.doesNotMatch(onBareMachine(''), /refused|\n/)
})

test('one that was asked for by name, or with all, fails the run', () => {
  for (const wanted of ['all', 'kafka', 'nats-server,kafka']) {
    assert.match(onBareMachine(wanted), /^refused: /)
    assert.match(onBareMachine(wanted), remedy)
  }
})

test('one that was not asked for is left out, and a name that nobody has is refused', () => {
  assert.equal(onBareMachine('postgresql'), 'kafka: left out by SKERRY_TEST_SERVERS=postgresql')
  assert.match(
    onBareMachine('kafak'),
    /^refused: SKERRY_TEST_SERVERS names kafak; there are all, or some of .*kafka 3\.9/,
  )
})
