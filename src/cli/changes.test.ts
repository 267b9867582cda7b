import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { changesSince } from './changes.ts'
import { gitIn, Terminal } from './fixture.ts'

describe('what changed since a commit', () => {
  let terminal: Terminal
  let git: ReturnType<typeof gitIn>
  const commit = (what: string): void => {
    git('add', '.')
    git('commit', '-q', '-m', what)
  }
  const changed = async (ref?: string): Promise<string[]> => {
    const { root, files } = await changesSince(terminal.folder, ref)
    assert.equal(root, realpathSync(terminal.folder))
    return files.map((file) => file.slice(root.length + 1))
  }
  before(async () => {
    terminal = await Terminal.open()
    git = gitIn(terminal.folder)
  })
  after(() => terminal.close())

  test('is asked of a checkout that has a commit', async () => {
    await assert.rejects(changesSince(terminal.folder, undefined), /needs a git checkout, and .* is in none/)
    git('init', '-q', '-b', 'main')
    await assert.rejects(changesSince(terminal.folder, undefined), /nothing is committed yet/)
  })

  test('on the default branch it is what is not committed: changed, new and gone, not what is ignored', async () => {
    await terminal.write('.gitignore', 'built\n')
    await terminal.write('a.ts', 'a')
    await terminal.write('b.ts', 'b')
    commit('first')
    assert.deepEqual(await changed(), [])
    await terminal.write('a.ts', 'aa')
    await terminal.write('naïve name.ts', 'new')
    await terminal.write('built', 'ignored')
    await rm(join(terminal.folder, 'b.ts'))
    assert.deepEqual(await changed(), ['a.ts', 'b.ts', 'naïve name.ts'])
  })

  test('on another branch it begins where that left the default one', async () => {
    git('checkout', '-q', '-b', 'feature')
    commit('second')
    git('checkout', '-q', 'main')
    await terminal.write('elsewhere.ts', 'c')
    commit('on main')
    git('checkout', '-q', 'feature')
    assert.deepEqual(await changed(), ['a.ts', 'b.ts', 'naïve name.ts'])
    assert.match((await changesSince(terminal.folder, undefined)).since, /^[0-9a-f]{7} \(where it left main\)$/)
  })

  test('a ref is taken as it is, and one that is none is named with the nearest', async () => {
    assert.deepEqual(await changed('main'), ['a.ts', 'b.ts', 'elsewhere.ts', 'naïve name.ts'])
    await assert.rejects(changesSince(terminal.folder, 'mian'), /no commit 'mian'; the nearest is 'main'/)
    await assert.rejects(changesSince(terminal.folder, '--output=x'), /no commit '--output=x'/)
  })

  test('a shallow checkout that does not know is told from one in which nothing changed', async () => {
    git('branch', '-m', 'main', 'trunk')
    const shallow = join(terminal.folder, 'built')
    await rm(shallow)
    git('clone', '-q', '--depth', '1', '--branch', 'feature', `file://${terminal.folder}`, shallow)
    git('-C', shallow, 'remote', 'set-head', 'origin', '-d')
    await assert.rejects(changesSince(shallow, undefined), /shallow checkout .* name a ref/)
  })
})
