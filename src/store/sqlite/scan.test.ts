import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { firstLine } from '../text.ts'
import { countPlaceholders, scan } from './scan.ts'

const db = new DatabaseSync(':memory:')
after(() => db.close())

const template = (pieces: string[]) => Object.assign(pieces, { raw: pieces })
const scanned = (whole: TemplateStringsArray, ..._values: unknown[]) => scan(whole)

test('a template becomes one statement with a placeholder for each value', () => {
  assert.deepEqual(scanned`select ${1} , ${2}`, { text: 'select ?  , ?', verb: 'select' })
  assert.deepEqual(
    scanned`-- why
    UPDATE item set n = 1;`,
    { text: '-- why\n    UPDATE item set n = 1', verb: 'update' },
  )
})

test('a value before a digit stays a value', () => {
  assert.equal(scanned`select ${1}1`.text, 'select ? 1')
})

test('what would be taken for something else is refused with the reason', () => {
  const refuses = (message: RegExp, pieces: string[]) =>
    assert.throws(() => scan(template(pieces)), { code: 'statement_refused', message })
  refuses(/more than one statement/, ['select 1; select 2'])
  refuses(/more than one statement/, ['select 1;', ''])
  refuses(/inside quotes/, ["select '", "'"])
  refuses(/inside quotes/, ['select "', '"'])
  refuses(/inside quotes/, ['select 1 /* ', ' */'])
  refuses(/inside quotes/, ['select 1 -- ', ''])
  refuses(/inside quotes/, ['select `', '`'])
  refuses(/inside quotes/, ['select [', ']'])
  for (const own of ['?', '?1', ':a', '@a', '$a']) refuses(/placeholder of its own/, [`select ${own}`])
  refuses(/or rollback/, ['insert or rollback into item values (1)'])
  refuses(/or rollback/, ['update or -- hm\n ROLLBACK item set n = 1'])
  refuses(/NUL/, ["select 'a\0b'"])
  refuses(/empty/, [' ; -- nothing'])
})

const fragment = fc.oneof(
  fc.constantFrom(...["'", '"', '`', '[', ']', ';', '--', '\n', '/*', '*/', '?', ':b', '@c', '$d', ', ', '(', ')']),
  fc.constantFrom(...[' ', '\n', '/* ; ? " */', "-- ' ;\n", '/* -- */', '/**/', '||1', '-1', '<>.5', '+0x1F', '/1e1']),
  fc.constantFrom(...[", 'it''s; ?'", ', 1 as "a;b"', ', 1 as `c"?`', ", 1 as [d';]", ", x'00'", ", ''", ';']),
)
const pieces = fc.array(
  fc
    .tuple(fc.array(fragment, { maxLength: 4 }), fc.constantFrom(', ', ' || ', ' '))
    .map(([parts, end]) => parts.join('') + end),
  { maxLength: 3 },
)

test('what the scanner accepts, SQLite reads as one statement with just as many values', () => {
  let accepted = 0
  fc.assert(
    fc.property(pieces, fragment, (before, end) => {
      const whole = template([
        ...before.map((piece, i) => (i === 0 ? `select 1 ${piece}` : piece)),
        `${before.length ? '' : 'select 1'}${end}`,
      ])
      const statement = prepared(whole)
      if (!statement) return
      accepted++
      assert.equal(statement.sourceSQL, scan(whole).text, 'nothing is left over')
      statement.all(...before.map(() => 1))
      assert.throws(() => statement.all(...before.map(() => 1), 1), /column index out of range/)
    }),
    { numRuns: 3000 },
  )
  assert.ok(accepted > 100, `only ${accepted} of the templates got as far as SQLite`)
})

function prepared(whole: TemplateStringsArray) {
  try {
    return db.prepare(scan(whole).text)
  } catch {
    return undefined
  }
}

test('placeholders of bookkeeping texts are counted outside of quotes', () => {
  assert.equal(countPlaceholders(`insert into t values (?, '?', ?) -- ?`), 2)
})

test('a statement is named by its first line', () => {
  assert.equal(firstLine('\n  select 1\n  from t'), 'select 1')
  assert.equal(firstLine('x'.repeat(500)).length, 121)
})
