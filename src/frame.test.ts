import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EventRecord } from './event.ts'
import { decodeFrame, dropFromFrame, encodeFrame, encodeRecord } from './frame.ts'

/** Any text at all: other alphabets, controls, line ends, halves of surrogate pairs. */
const text = fc.string({ unit: fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)), maxLength: 30 })
const attributes = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean()), {
  maxKeys: 4,
  noNullPrototype: true,
})

const records: fc.Arbitrary<EventRecord[]> = fc.array(
  fc.record(
    {
      id: text,
      type: text,
      version: fc.integer({ min: 1, max: 65535 }),
      key: text,
      time: fc.maxSafeNat(),
      due: fc.maxSafeNat(),
      expires: fc.maxSafeNat(),
      attributes: fc.option(attributes, { nil: undefined }),
      data: fc.jsonValue().map((value) => JSON.stringify(value)),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 20 },
)

test('what is put into a frame comes out of it, whatever characters it has', () =>
  fc.assert(fc.property(records, (all) => assert.deepEqual(decodeFrame(encodeFrame(all)), all))))

test('frames of several makers can be put together as text', () =>
  fc.assert(
    fc.property(records, records, (a, b) =>
      assert.deepEqual(decodeFrame(encodeFrame(a) + b.map(encodeRecord).join('')), [...a, ...b]),
    ),
  ))

test('a frame takes two lines for each event, and nothing else', () =>
  fc.assert(fc.property(records, (all) => assert.equal(encodeFrame(all).split('\n').length, all.length * 2 + 1))))

test('dropping from a frame leaves the events after those', () =>
  fc.assert(
    fc.property(records, fc.nat({ max: 20 }), (all, count) => {
      const dropped = Math.min(count, all.length)
      assert.deepEqual(decodeFrame(dropFromFrame(encodeFrame(all), dropped)), all.slice(dropped))
    }),
  ))

test('a frame survives being stored as UTF-8', () =>
  fc.assert(
    fc.property(records, (all) => {
      const frame = encodeFrame(all)
      assert.equal(Buffer.from(frame, 'utf8').toString('utf8'), frame)
    }),
  ))

test('an empty frame holds nothing', () => {
  assert.deepEqual(decodeFrame(''), [])
})

test('a frame that was cut short says where', () => {
  const [record] = fc.sample(
    records.filter((all) => all.length > 0),
    1,
  )
  const frame = encodeFrame(record ?? [])
  assert.throws(() => decodeFrame(frame.slice(0, -1)), { code: 'io_error', message: /cut short at character \d+/ })
})
