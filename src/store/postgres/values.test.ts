import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindOwn, oid, reader } from './values.ts'

const read = (type: number, text: string): unknown => reader(type)(text)

test('integers are numbers wherever that is exact', () => {
  assert.equal(read(oid.int4, '-7'), -7)
  assert.equal(read(oid.int8, '9007199254740991'), 9007199254740991)
  assert.equal(read(oid.int8, '9007199254740992'), 9007199254740992n)
  assert.equal(read(oid.int8, '-9223372036854775808'), -9223372036854775808n)
})

test('what SQLite has no type for is read as near to it as can be, and never rounded', () => {
  assert.equal(read(oid.bool, 't'), 1)
  assert.equal(read(oid.bool, 'f'), 0)
  assert.equal(read(oid.numeric, '12'), 12)
  assert.equal(read(oid.numeric, '99999999999999999999'), 99999999999999999999n)
  assert.equal(read(oid.numeric, '-0.10'), -0.1)
  assert.equal(read(oid.numeric, '0.000000000000000012'), 1.2e-17)
  assert.equal(read(oid.numeric, '123456789.1234567891'), '123456789.1234567891')
  assert.equal(read(oid.timestamptz, '2010-12-01 08:06:00+00'), '2010-12-01T08:06:00.000Z')
  assert.equal(read(oid.timestamptz, '2010-12-01 08:06:00.123456+00'), '2010-12-01T08:06:00.123456Z')
  assert.equal(read(oid.timestamptz, 'infinity'), 'infinity')
  assert.deepEqual(read(oid.bytea, '\\x00ff07'), new Uint8Array([0, 255, 7]))
})

test('fractions of a millisecond are cut off where Skerry keeps a time as an integer', () => {
  assert.deepEqual(bindOwn([12.75, 12.75, -0.5, 3], [oid.int8, oid.float8, oid.int8, oid.int8]), [
    '12',
    '12.75',
    '-1',
    '3',
  ])
})
