import assert from 'node:assert/strict'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { anchorsOf, type Block, blocksOf, linksOf } from './docs/blocks.ts'
import { outcome } from './programs.ts'

// The documents say what the code does: `ts run` blocks run, other `ts` blocks are type-checked, but for `ts fragment`.
// A `text output` block is what the block that runs before it prints.

const root = fileURLToPath(new URL('..', import.meta.url))
const documents = ['*.md', 'docs/**/*.md', 'examples/*/README.md', 'bench/README.md']
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .map((file) => ({ file, source: readFileSync(join(root, file), 'utf8') }))
const blocks = documents.flatMap(({ file, source }) => blocksOf(file, source))
const code = blocks.filter(
  ({ file, words }) => !file.startsWith('bench') && words[0] === 'ts' && words[1] !== 'fragment',
)

const folder = mkdtempSync(join(tmpdir(), 'skerry-docs-'))
mkdirSync(join(folder, 'node_modules'))
symlinkSync(root, join(folder, 'node_modules', 'skerry'), 'junction')
symlinkSync(join(root, 'node_modules', 'zod'), join(folder, 'node_modules', 'zod'), 'junction')
writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
for (const block of code) writeFileSync(join(folder, fileOf(block)), block.text)

after(() => rmSync(folder, { recursive: true, force: true }))

describe('the blocks of code in the documents', { concurrency: 2 }, () => {
  test('type-check, all but fragments', async () => {
    const compilerOptions = { typeRoots: [join(root, 'node_modules/@types')], noUnusedLocals: false }
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'], exclude: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const done = await outcome(join(root, 'node_modules/typescript/bin/tsc'), ['-p', folder], folder)
    // A file is named for its document and the line of its block. What is wrong in src is the type check's to say.
    const wrong = done.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('..'))
    assert.deepEqual(wrong, [])
  })

  for (const block of code.filter(({ words }) => words.includes('run'))) {
    const expected = outputOf(block)
    const title = `${block.file}:${block.line} runs${expected === undefined ? '' : ' and prints what it says'}`
    test(title, async () => {
      const place = mkdtempSync(join(folder, 'run-'))
      const done = await outcome(join(folder, fileOf(block)), [], place)
      assert.equal(done.code, 0, `${done.stdout}${done.stderr}`)
      if (expected !== undefined) assert.equal(done.stdout, expected)
    })
  }
})

describe('the links between the documents', () => {
  for (const { file, source } of documents) {
    test(`of ${file} lead somewhere`, () => {
      const lost = linksOf(file, source)
        .filter(({ target }) => !/^[a-z]+:/.test(target) && !leadsSomewhere(file, target))
        .map(({ line, target }) => `${file}:${line}: ${target}`)
      assert.deepEqual(lost, [])
    })
  }
})

describe('the guide and the decisions', () => {
  for (const index of ['docs/guide/README.md', 'docs/decisions/README.md']) {
    test(`${index} names every page beside it`, () => {
      const pages = globSync('*.md', { cwd: join(root, dirname(index)) }).filter((page) => page !== 'README.md')
      const source = readFileSync(join(root, index), 'utf8')
      const named = linksOf(index, source).map(({ target }) => target)
      assert.deepEqual(
        pages.sort().filter((page) => !named.includes(page)),
        [],
      )
    })
  }
})

function fileOf(block: Block): string {
  return `${block.file.replaceAll(/[^a-z0-9]+/gi, '-')}-${block.line}.ts`
}

/** The block that follows, when it is the output of this one. */
function outputOf(block: Block): string | undefined {
  const next = blocks[blocks.indexOf(block) + 1]
  return next?.file === block.file && next.words.join(' ') === 'text output' ? next.text : undefined
}

function leadsSomewhere(from: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? from : relative(root, resolve(root, dirname(from), path))
  if (!existsSync(join(root, file))) return false
  if (anchor === undefined || !basename(file).endsWith('.md')) return true
  return anchorsOf(readFileSync(join(root, file), 'utf8')).has(anchor)
}
