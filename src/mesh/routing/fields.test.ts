import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  duration,
  durationOrNone,
  flag,
  list,
  number,
  oneOf,
  type Problem,
  type Read,
  record,
  struct,
  text,
  unsupported,
  whole,
} from './fields.ts'

function read<T>(of: Read<T>, value: unknown): { got: T | undefined; said: string[] } {
  const problems: Problem[] = []
  const got = of(value, 'at', problems)
  return { got, said: problems.map(({ path, message }) => `${path}: ${message}`) }
}

test('what is right is read as it is', () => {
  const shape = struct({ a: text, b: list(whole), c: record(flag), d: number, e: oneOf('x', 'y') })
  const value = { a: '1', b: [1, 2], c: { p: true }, d: 0.5, e: 'y' }
  assert.deepEqual(read(shape, value), { got: value, said: [] })
  assert.deepEqual(read(shape, { a: null, b: undefined }), { got: {}, said: [] })
})

test('an unknown field is named by its path, with the nearest one that there is', () => {
  const shape = struct({ http: list(struct({ match: struct({ prefix: text, exact: text }) })) })
  const problems: Problem[] = []
  shape({ http: [{}, { match: { prefx: '/' } }] }, '', problems)
  assert.deepEqual(problems, [
    { path: 'http[1].match.prefx', message: "unknown field 'prefx'; did you mean 'prefix'?" },
  ])
})

test('a value of another type is named, with what it should be', () => {
  assert.deepEqual(read(text, 1).said, ['at: must be text, not 1'])
  assert.deepEqual(read(flag, 'yes').said, ['at: must be true or false, not "yes"'])
  assert.deepEqual(read(whole, 1.5).said, ['at: must be a whole number, not 1.5'])
  assert.deepEqual(read(number, Number.NaN).said, ['at: must be a number, not null'])
  assert.deepEqual(read(list(text), {}).said, ['at: must be a list, not object'])
  assert.deepEqual(read(list(text), ['a', 1]).said, ['at[1]: must be text, not 1'])
  assert.deepEqual(read(struct({}), []).said, ['at: must be an object, not a list'])
  assert.deepEqual(read(struct({}), null).said, ['at: must be an object, not null'])
  assert.deepEqual(read(record(text), { a: null }).said, ['at.a: must be text, not null'])
  assert.deepEqual(read(oneOf('RANDOM', 'ROUND_ROBIN'), 'RANDM').said, [
    "at: unknown value 'RANDM'; did you mean 'RANDOM'?",
  ])
  assert.deepEqual(read(oneOf('a', 'b'), 1).said, ['at: must be one of a, b, not 1'])
})

test('names of every object’s own are no fields', () => {
  assert.equal(read(struct({ a: text }), JSON.parse('{"constructor": 1, "__proto__": 2}')).said.length, 2)
})

test('what is not supported is said, with the reason', () => {
  assert.deepEqual(read(struct({ a: unsupported('there is no a') }), { a: {} }).said, [
    'at.a: is not supported: there is no a',
  ])
})

test('durations are those of Go, or milliseconds', () => {
  const right = {
    '10s': 10_000,
    '1m30s': 90_000,
    '1.5s': 1500,
    '.5s': 500,
    '1.001s': 1001,
    '2h': 7_200_000,
    '1000us': 1,
  }
  for (const [given, ms] of Object.entries(right)) assert.deepEqual(read(duration, given), { got: ms, said: [] })
  assert.equal(read(duration, 25).got, 25)
})

test('a duration is at least a millisecond, and whole ones', () => {
  for (const given of ['0s', '999us', 0, -5]) assert.deepEqual(read(duration, given).said, ['at: must be at least 1ms'])
  for (const given of ['1.5ms', '1001us', 1.5])
    assert.deepEqual(read(duration, given).said, ['at: must be whole milliseconds'])
  for (const given of ['', '10', 's', '1 s', '-1s', '1d', '1.2.3s', true, {}])
    assert.match(read(duration, given).said[0] ?? '', /must be a duration such as/)
})

test('where a duration turns something on, none turns it off', () => {
  assert.deepEqual(
    [read(durationOrNone, '0s').got, read(durationOrNone, 0).got, read(durationOrNone, '2s').got],
    [0, 0, 2000],
  )
  assert.deepEqual(read(durationOrNone, '0.5ms').said, ['at: must be at least 1ms'])
})

test('no value is trouble', () => {
  const shape = struct({ a: list(struct({ b: record(duration), c: oneOf('x') })), d: whole })
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.record({ a: fc.anything(), d: fc.anything() })), (value) => {
      read(shape, value)
    }),
  )
})
