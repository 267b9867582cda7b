import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explain, placeOf, troubleOf } from './failures.ts'

const coded = (code: string): Error => Object.assign(new Error('said'), { code })

test('a place shows whose server it is, and no password or parameter', () => {
  assert.equal(
    placeOf('postgres://me:secret@db.example:5433/shop?sslmode=require&password=x'),
    'postgres://me@db.example:5433/shop',
  )
  assert.equal(placeOf('postgres://db/shop'), 'postgres://db/shop')
  assert.equal(placeOf('secret nonsense'), 'postgres:')
})

test('failures after which the same question may be answered are told from those after which it will not be', () => {
  for (const code of [
    '08006',
    '57P01',
    '57P03',
    '53300',
    '25006',
    '55P03',
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ENOTFOUND',
  ])
    assert.equal(troubleOf(coded(code)), 'lost', code)
  for (const message of ['Connection terminated unexpectedly', 'timeout expired', 'Query read timeout'])
    assert.equal(troubleOf(new Error(message)), 'lost', message)
  assert.equal(troubleOf(new AggregateError([coded('ECONNREFUSED')])), 'lost')
  for (const code of ['40001', '40P01']) assert.equal(troubleOf(coded(code)), 'collision', code)
  for (const code of ['28P01', '28000', '42501', '3D000']) assert.equal(troubleOf(coded(code)), 'refused', code)
  for (const code of ['42601', '23505', 'XX000', '53100']) assert.equal(troubleOf(coded(code)), 'other', code)
})

test('what the server says becomes a code with the place, the reason and the cause', () => {
  const codes = {
    '53100': 'overloaded',
    '3D000': 'not_found',
    '28P01': 'unauthorized',
    '3F000': 'log_changed',
    XX000: 'io_error',
  }
  for (const [state, code] of Object.entries(codes)) {
    const cause = coded(state)
    const error = explain(cause, 'postgres://db/shop')
    assert.equal(error.code, code)
    assert.equal(error.cause, cause)
    assert.match(error.message, /^postgres:\/\/db\/shop: .*said/)
  }
})
