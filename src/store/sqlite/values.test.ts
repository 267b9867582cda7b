import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { Connection } from './connection.ts'
import { Place } from './file.ts'
import { fetch } from './statements.ts'

let connection: Connection
before(() => {
  connection = new Connection(new Place(':memory:'), 'write')
  connection.db.exec('create table kept (v blob)')
})
after(() => connection.close())

/** Through SQLite and back; a blob column keeps what it is given as it is. */
function roundTrip(value: unknown): unknown[] {
  const { statements } = connection
  const returned = fetch(statements.own('insert into kept (v) values (?) returning v'), [value])
  const read = fetch(statements.own('select v from kept'), [])
  connection.db.exec('delete from kept')
  return [returned[0]?.v, read[0]?.v]
}

function comesBack(value: unknown, as: unknown = value): void {
  assert.deepEqual(roundTrip(value), [as, as])
}

describe('through SQLite and back', () => {
  test('every integer of 64 bits', () =>
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (whole) =>
        comesBack(whole, Number.isSafeInteger(Number(whole)) ? Number(whole) : whole),
      ),
      { examples: [[2n ** 53n], [-(2n ** 53n)], [2n ** 63n - 1n], [-(2n ** 63n)]] },
    ))

  test('every finite number', () =>
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => comesBack(n, Object.is(n, -0) ? 0 : n)),
    ))

  test('every text', () => fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => comesBack(text))))

  test('every run of bytes', () => fc.assert(fc.property(fc.uint8Array(), (bytes) => comesBack(bytes))))

  test('every JSON value that is not a scalar, as text', () =>
    fc.assert(
      fc.property(fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())), (value) =>
        comesBack(value, JSON.stringify(value)),
      ),
    ))

  test('every date, as text', () =>
    fc.assert(fc.property(fc.date({ noInvalidDate: true }), (date) => comesBack(date, date.toISOString()))))
})
