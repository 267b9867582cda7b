import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readCallSite } from './call-site.ts'

const keys = new Map([
  ['orders', ['id']],
  ['line', ['order_id', 'sku']],
  ['log', []],
])

/** What a statement touches, in short: `write orders[id=0]`, with the number of the value. */
function touched(template: TemplateStringsArray, ..._values: unknown[]): string[] {
  return readCallSite(template, keys).targets.map(({ table, writes, columns, values, whole }) => {
    const bound = columns.map((column, i) => `${column}=${values[i]}`).join(' ')
    return `${writes ? 'write' : 'read'} ${table}[${bound}]${whole ? ' one row' : ''}`
  })
}

describe('a statement touches', () => {
  test('the row whose key it binds', () => {
    assert.deepEqual(touched`select status from orders where id = ${1}`, ['read orders[id=0] one row'])
    assert.deepEqual(touched`update orders set status = ${1} where id = ${2} and status = 'open'`, [
      'write orders[id=1] one row',
    ])
    assert.deepEqual(touched`DELETE FROM "Orders" o WHERE o."ID" = ${1}`, ['write orders[id=0] one row'])
    assert.deepEqual(touched`update line set n = n + ${1} where sku = ${2} and order_id = ${3}`, [
      'write line[order_id=2 sku=1] one row',
    ])
  })

  test('the row that it inserts', () => {
    assert.deepEqual(touched`insert into orders (id, status) values (${1}, ${'open'})`, ['write orders[id=0] one row'])
    const upsert = touched`insert into line (sku, order_id, n) values (${1}, ${2}, coalesce(${3}, 0))
      on conflict (order_id, sku) do update set n = line.n + excluded.n`
    assert.deepEqual(upsert, ['write line[order_id=1 sku=0] one row'])
  })

  test('the row that a literal names', () => {
    assert.deepEqual(touched`update line set n = ${1} where order_id = 7 and sku = 'It''s'`, [
      "write line[order_id=7 sku=It's] one row",
    ])
    assert.deepEqual(touched`insert into orders (status, id) values ('Open', 7)`, ['write orders[id=7] one row'])
  })

  test('rows of which part of the key is known', () => {
    assert.deepEqual(touched`select sum(n) from line where order_id = ${1}`, ['read line[order_id=0]'])
  })

  test('the whole table where nothing identifies a row', () => {
    assert.deepEqual(touched`select count(*) from orders`, ['read orders[]'])
    assert.deepEqual(touched`select * from orders where status = ${1}`, ['read orders[]'])
    assert.deepEqual(touched`select * from orders where id > ${1}`, ['read orders[]'])
    assert.deepEqual(touched`insert into log (text) values (${1})`, ['write log[]'])
    assert.deepEqual(touched`insert into elsewhere (id) values (${1})`, ['write elsewhere[]'])
  })

  test('the whole table where a condition is more than bindings side by side', () => {
    assert.deepEqual(touched`select * from orders where id = ${1} or status = ${2}`, ['read orders[]'])
    assert.deepEqual(touched`select * from orders where not id = ${1}`, ['read orders[]'])
    assert.deepEqual(touched`select * from orders where id = ${1} + 1`, ['read orders[]'])
  })

  test('the whole table when it inserts many rows, or changes a key', () => {
    assert.deepEqual(touched`insert into orders (id) values (${1}), (${2})`, ['write orders[]'])
    assert.deepEqual(touched`insert into orders (id) select sku from line where order_id = ${1}`, [
      'write orders[]',
      'read line[]',
    ])
    assert.deepEqual(touched`update orders set id = ${1} where id = ${2}`, ['write orders[]'])
  })

  test('every table that it names', () => {
    assert.deepEqual(touched`select * from orders o join line l on l.order_id = o.id where o.id = ${1}`, [
      'read orders[]',
      'read line[]',
    ])
    assert.deepEqual(touched`select * from orders o, line l where o.id = ${1}`, ['read orders[]', 'read line[]'])
    assert.deepEqual(touched`delete from orders where id in (select order_id from line where sku = ${1})`, [
      'write orders[]',
      'read line[]',
    ])
  })

  test('nothing that stands in a comment, a literal or a function', () => {
    assert.deepEqual(
      touched`select 'x from line' from orders -- from log
      where id = ${1}`,
      ['read orders[id=0] one row'],
    )
    assert.deepEqual(touched`select * from json_each(${'[]'})`, [])
    assert.deepEqual(touched`select id from orders where id = ${1} for update skip locked`, [
      'read orders[id=0] one row',
    ])
  })
})
