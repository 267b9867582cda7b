import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { draw } from './draw.ts'
import { mutate } from './mutate.ts'
import { mutantsOf, originals, root } from './originals.ts'
import { mutateSql } from './sql.ts'
import { tell } from './tell.ts'

const seed = '7'
const sample = 8

const upsert =
  'insert into t (id, n) values (§0§, §1§) on conflict (id) do update set n = t.n + excluded.n where t.n < 9'

describe('a statement is changed', () => {
  const textsOf = (operator: string, sql: string) =>
    mutateSql(sql)
      .filter((one) => one.operator === operator)
      .map((one) => one.text)

  test('by dropping its guard, its conflict clause or its addition', () => {
    const plain = 'insert into t (id, n) values (§0§, §1§)'
    assert.deepEqual(textsOf('guard dropped', upsert), [upsert.replace(' where t.n < 9', '')])
    assert.deepEqual(textsOf('upsert to insert', upsert), [plain])
    assert.deepEqual(textsOf('addition to assignment', upsert), [upsert.replace('t.n + excluded.n', 'excluded.n')])
  })

  test('so that it makes no row that was not there', () => {
    const [text] = textsOf('tombstone left out', upsert)
    assert.match(text ?? '', /select §0§, §1§\s+where exists \(select 1 from t where id = §0§\) on conflict/)
  })

  test('so that it hits every row', () => {
    assert.deepEqual(textsOf('key changed', 'delete from t where id = §0§'), ['delete from t where true'])
  })
})

test('a guard in the code and a key of a contract are found through types and generics', () => {
  const source = `const e = event({ key: (d: { a: string }): string => d.a })\nif (f<string>(x)) work()\n`
  const found = mutate(source)
  assert.deepEqual(
    found.map(({ operator, line, before, after }) => [operator, line, before, after]),
    [
      ['key changed', 1, 'd.a', `''`],
      ['guard dropped', 2, 'f<string>(x)', 'true'],
    ],
  )
})

test('mutants are the same each time, of every kind, and of the shop as well', async () => {
  const [once, again] = [(await originals()).flatMap(mutantsOf), (await originals()).flatMap(mutantsOf)]
  const names = (mutants: typeof once) => mutants.map(({ id, source }) => `${id} ${source}`)
  assert.deepEqual(names(once), names(again))
  assert.equal(new Set(once.map(({ operator }) => operator)).size, 5)
  assert.ok(once.length >= 200, `${once.length} mutants`)
  assert.ok(once.some(({ original }) => original.name === 'shop'))
  assert.deepEqual(names(draw(once, sample, seed)), names(draw(again, sample, seed)))
})

test('brute force tells most of a sample from their originals', async () => {
  const all = (await originals()).flatMap(mutantsOf).filter(({ operator }) => operator !== 'key changed')
  let told = 0
  for (const mutant of draw(all, sample, seed)) if ((await tell(mutant)).differs) told++
  assert.ok(told >= sample / 2, `${told} of ${sample}`)
})

test('an original is not told from itself', async () => {
  for (const original of (await originals()).filter(({ name }) => ['cart-assigned', 'shop'].includes(name))) {
    const [mutant] = mutantsOf(original)
    assert.ok(mutant)
    const unchanged = { ...mutant, source: readFileSync(join(root, mutant.file), 'utf8') }
    assert.deepEqual(await tell(unchanged), { broken: undefined, differs: false, cells: [] })
  }
})
