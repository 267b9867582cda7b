import assert from 'node:assert/strict'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { outcome } from './programs.ts'
import { missing } from './servers/needs.ts'
import { postgresForSuite } from './servers/suite.ts'

// The numbered examples print what is recorded beside them. To record anew: run main.ts in an empty folder, and read
// what changed before it is committed.

const examples = fileURLToPath(new URL('../examples/', import.meta.url))
const numbered = globSync('[0-9]*', { cwd: examples }).sort()

describe('the examples of query builders, on PostgreSQL', { skip: missing('postgresql') }, () => {
  const server = postgresForSuite('NORMAL')
  for (const name of ['5-kysely', '6-drizzle'])
    test(`${name} prints the same`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'skerry-example-'))
      try {
        const more = { SKERRY_STORE: `${server.url}/postgres`, SKERRY_APP: name, SKERRY_DURABILITY: 'engine' }
        const done = await outcome(join(examples, name, 'main.ts'), [], folder, more)
        assert.equal(done.code, 0, done.stderr)
        assert.equal(done.stdout, readFileSync(join(examples, name, 'expected.txt'), 'utf8'))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
})

describe('the numbered examples', { concurrency: 2 }, () => {
  test('are numbered without gaps', () => {
    assert.deepEqual(
      numbered.map((name) => Number.parseInt(name, 10)),
      numbered.map((_, index) => index + 1),
    )
  })

  for (const name of numbered) {
    test(`${name} prints what is recorded`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'skerry-example-'))
      try {
        const done = await outcome(join(examples, name, 'main.ts'), [], folder)
        assert.equal(done.code, 0, done.stderr)
        assert.equal(done.stdout, readFileSync(join(examples, name, 'expected.txt'), 'utf8'))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })

    test(`${name} says in its README how to run it`, () => {
      const readme = join(examples, name, 'README.md')
      assert.ok(existsSync(readme))
      assert.match(readFileSync(readme, 'utf8'), new RegExp(`cd examples/${name}\\n`))
    })
  }
})
