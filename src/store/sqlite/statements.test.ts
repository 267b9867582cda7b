import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Connection } from './connection.ts'
import { Place } from './file.ts'
import { fetch } from './statements.ts'

let connection: Connection
before(() => {
  connection = new Connection(new Place(':memory:'), 'write')
})
after(() => connection.close())

const tag = (template: TemplateStringsArray) => template

test('a text is prepared once, and a call site is, too', () => {
  const { statements } = connection
  assert.equal(statements.own('select 1'), statements.own('select 1'))
  const site = tag`select 2`
  assert.equal(statements.users(site), statements.users(site))
})

test('a thousand different texts do not pile up: the oldest are forgotten', () => {
  const { statements } = connection
  const oldest = statements.own('select 0 as n')
  for (let n = 1; n <= 1000; n++) assert.deepEqual(fetch(statements.own(`select ${n} as n`), []), [{ n }])
  assert.notEqual(statements.own('select 0 as n'), oldest)
  assert.equal(statements.own('select 999 as n'), statements.own('select 999 as n'))
})

test('a statement reads integers as numbers until one is too large, and in 64 bits from then on', () => {
  const statement = connection.statements.own('select ? as n')
  assert.deepEqual(fetch(statement, [1]), [{ n: 1 }])
  assert.equal(statement.wide, false)
  assert.deepEqual(fetch(statement, [2n ** 60n]), [{ n: 2n ** 60n }])
  assert.equal(statement.wide, true)
  assert.deepEqual(fetch(statement, [1]), [{ n: 1 }])
})

test('a column that would become the prototype of its row is refused', () => {
  assert.throws(() => connection.statements.own('select 1 as "__proto__"'), { code: 'statement_failed' })
})
