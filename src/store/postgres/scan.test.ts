import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardHandler, guardMigration } from './guard.ts'
import { numbered, scan, statementsOf } from './scan.ts'

const sql = (template: TemplateStringsArray, ..._values: unknown[]) => scan(template)

test('values become numbered parameters, and everything else stays as it was written', () => {
  assert.equal(
    sql`select ${1}, a::text, b ? 'x', tags[1:2] from t where c = ${2}1`.text,
    "select $1 , a::text, b ? 'x', tags[1:2] from t where c = $2 1",
  )
})

test('quotes of every kind hide what is in them', () => {
  for (const quoted of [
    "'it''s; ?'",
    "E'a\\'; b'",
    '"a;""b"',
    '$$a; b$$',
    '$tag$ $$ ; $tag$',
    '/* a; /* b; */ c; */ 1',
    '1 -- ; x',
  ])
    assert.doesNotThrow(() => scan(Object.assign([`select ${quoted}`], { raw: [] })), quoted)
})

test('a value within quotes or a comment, a second statement and parameters of one’s own are refused', () => {
  const refused = { code: 'statement_refused', message: /\(statement: select/ }
  assert.throws(() => sql`select 'it is ${1}'`, refused)
  assert.throws(() => sql`select E'\\'${1}'`, refused)
  assert.throws(() => sql`select $$ ${1} $$`, refused)
  assert.throws(() => sql`select 1 /* /* */ ${1} */`, refused)
  assert.throws(() => sql`select 1; select 2`, refused)
  assert.throws(() => sql`select $1`, refused)
  assert.throws(() => sql` `, { code: 'statement_refused' })
})

test('Skerry’s own placeholders are numbered, but not those within quotes', () => {
  assert.deepEqual(numbered("select ?, '?' from t where a = ? -- ?"), {
    text: "select $1, '?' from t where a = $2 -- ?",
    values: 2,
  })
})

test('a script is cut where its statements end, and nowhere else', () => {
  const script = `create function f() returns int language sql as $$ select 1; select 2; $$;
    insert into t values (';'); -- done;
    select 1`
  assert.equal(statementsOf(script).length, 3)
})

const guarded = (template: TemplateStringsArray): void => {
  const { text, tokens } = scan(template)
  guardHandler(text, tokens)
}

test('handlers read and write rows, and do nothing else', () => {
  for (const fine of [
    'select 1',
    '(select 1) union (select 2)',
    'with a as (select 1) insert into t select * from a',
    "update t set note = 'commit; skerry_meta'",
    'merge into t using s on t.id = s.id when matched then delete',
    'values (1)',
    'explain select 1',
    'select pg_advisory_xact_lock(1)',
  ])
    assert.doesNotThrow(() => guarded(Object.assign([fine], { raw: [] })), fine)
  for (const bad of [
    'begin',
    'start transaction',
    'end',
    'abort',
    "prepare transaction 'x'",
    'set search_path = x',
    'reset all',
    'discard all',
    'copy t from stdin',
    'listen x',
    'notify x',
    'lock table t',
    'do $$ begin end $$',
    'call f()',
    'truncate t',
    'grant all on t to x',
    'select 1 into t',
    "select set_config('search_path', 'x', false)",
    'select pg_advisory_lock(1)',
    'select pg_try_advisory_lock(1)',
    'select * from "skerry_meta"',
    'select * from other.skerry_meta',
  ])
    assert.throws(() => guarded(Object.assign([bad], { raw: [] })), { code: 'statement_refused' }, bad)
})

test('migrations change tables, but not the transaction, the connection or Skerry’s tables', () => {
  guardMigration('create table a (id int); alter table a add b text; create index on a (b); do $$ begin null; end $$')
  for (const bad of [
    'create table a (id int); commit',
    'set search_path = public',
    'create function f() returns int language sql as $$ select count(*) from skerry_meta $$',
    'create view v as select * from "skerry_outbox"',
  ])
    assert.throws(() => guardMigration(bad), { code: 'statement_refused' }, bad)
})
