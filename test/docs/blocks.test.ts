import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anchorsOf, blocksOf, linksOf } from './blocks.ts'

describe('reading a document', () => {
  test('a block has its line, the words of its fence and its text', () => {
    const [block] = blocksOf('a.md', 'one\n```ts run\nlet a\n\nlet b\n```\n')
    assert.deepEqual(block, { file: 'a.md', line: 2, words: ['ts', 'run'], text: 'let a\n\nlet b\n' })
  })

  test('a block that is never closed is an error', () => {
    assert.throws(() => blocksOf('a.md', 'one\n```ts\nlet a\n'), /a\.md:2: the block is never closed/)
  })

  test('links are found with their lines; those in blocks and in code are none', () => {
    const links = linksOf('a.md', 'see [b](b.md#c), `[x](x.md)`\n```\n[y](y.md)\n```\nand [d](d.md)')
    assert.deepEqual(
      links.map(({ line, target }) => [line, target]),
      [
        [1, 'b.md#c'],
        [5, 'd.md'],
      ],
    )
  })

  test('a heading is found under its anchor', () => {
    assert.deepEqual(
      [...anchorsOf('# A `tx.sql` table\n\n## In doubt: what then?\n')],
      ['a-txsql-table', 'in-doubt-what-then'],
    )
  })
})
