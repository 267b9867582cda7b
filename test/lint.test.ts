import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

// Rules that the project leans on, each seen to fire: some of them may move or go with the linter's next version.

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'skerry-lint-'))
after(() => rmSync(folder, { recursive: true }))

function lint(source: string): string {
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...config, $schema: undefined, vcs: { enabled: false } }))
  writeFileSync(join(folder, 'other.ts'), 'export async function other(): Promise<void> {}\n')
  writeFileSync(join(folder, 'planted.ts'), source)
  const args = [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'lint', '--error-on-warnings', '.']
  const done = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  return done.status === 0 ? 'clean' : done.stdout + done.stderr
}

const planted: [rule: string, source: string][] = [
  ['noFloatingPromises', `import { other } from './other.ts'\nexport function run() {\n  other()\n}\n`],
  ['noFloatingPromises', `export function run(bus: { close(): Promise<void> }) {\n  bus.close()\n}\n`],
  ['noExplicitAny', 'export function run(a: any) {\n  return a\n}\n'],
  ['noUnusedImports', `import { other } from './other.ts'\n`],
  ['noUnusedVariables', 'export function run() {\n  const a = 1\n}\n'],
]

describe('the linter finds', () => {
  for (const [rule, source] of planted) test(rule, () => assert.match(lint(source), new RegExp(`/${rule}\\b`)))

  test('nothing where there is nothing', () => {
    const source = `import { other } from './other.ts'\nexport async function run() {\n  await other()\n}\n`
    assert.equal(lint(source), 'clean')
  })
})
