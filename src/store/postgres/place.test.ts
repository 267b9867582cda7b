import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUrl, schemaName, shown } from './place.ts'

test('each service has a schema, and each application its own', () => {
  assert.equal(schemaName('orders', undefined), 'skerry_orders')
  assert.equal(schemaName('orders', 'shop'), 'skerry_shop_orders')
})

test('names that PostgreSQL would cut or fold stay apart', () => {
  const long = 'x'.repeat(80)
  const names = [`${long}a`, `${long}b`, 'my-service', 'my_service', 'My_service'].map((name) =>
    schemaName(name, undefined),
  )
  assert.equal(new Set(names).size, names.length)
  for (const name of names) assert.match(name, /^[a-z0-9_]{1,63}$/)
})

test('a URL is shown without user and password', () => {
  assert.equal(
    shown(parseUrl('postgresql://me:s3cret@db.example:6432/shop?sslmode=require')),
    'postgres://db.example:6432/shop',
  )
})

test('what is no URL of PostgreSQL is refused without being repeated', () => {
  for (const text of ['', 'shop', 'mysql://me:s3cret@db/shop'])
    assert.throws(
      () => parseUrl(text),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'invalid_config')
        assert.doesNotMatch(error.message, /s3cret|mysql/)
        return true
      },
    )
})
