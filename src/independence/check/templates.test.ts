import assert from 'node:assert/strict'
import { test } from 'node:test'
import { templatesIn, wordsOf } from './templates.ts'

const heard: string[] = []
const sql = <_Row>(template: TemplateStringsArray, ..._values: unknown[]): void => void heard.push(wordsOf(template))
const tx = { sql }

test('statements in the text of a function are those that it runs', () => {
  const plain = (): void => {
    sql`select 1`
    tx.sql<{ id: string }>`select ${'}`'} from "a" where b = '\`\n' and c = ${{ d: `${'x'}` }.d}
      order by ${[1].map((one) => `${one}{`)}`
    // tx.sql`select 2`
  }
  plain()
  assert.deepEqual(templatesIn(plain.toString()), heard)
  assert.equal(heard.length, 2)
})

test('those in comments, and other templates, are none', () => {
  assert.deepEqual(templatesIn('/**\n * sql`select 1`\n */ text`a` + mysql`b`\n/* sql`c` */ x'), [])
})
